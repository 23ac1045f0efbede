#pragma once
#include <QObject>
#include <QString>
#include <QStringList>

#include "core/base/activations.h"
#include "core/base/site.h"
#include "core/run/left_out.h"

namespace qkscope {

/// The cell that is looked at; all 0-based. `head` counts the heads of `site` (KV heads for K and V).
struct Selection {
  Site site = Site::Query;  // Query, Key or Value: pre or post RoPE is part of the Look
  int layer = 0;
  int head = 0;
  int dim = -1;       // -1: none
  int position = -1;  // -1: none
  int key = -1;       // the position whose key the query at `position` is looked at with; -1: none
  bool operator==(const Selection&) const = default;
};

enum class Picture { HeadsDims, PositionsDims, AllLayers };
enum class Shown { Baseline, Disrupted, Difference };
enum class ColorScale { Linear, Log, SymLog };
enum class ColorRange { Full, Percentile, Exact };
/// What the ground of a prompt's tokens tells: nothing, their loss in one of the runs, or how the disruption
/// changes it.
enum class TokenColors { None, Baseline, Disrupted, Change };

/// A table or figure of the first paper, and whether it is drawn as published or task by task.
enum class PaperPart { Table1, Figure3a, Figure3b, Figure3c, Figure5, Table3 };
enum class PaperLayout { Published, ByTask };

/// The lowest and the highest value of a colour scale.
struct ColorLimits {
  double low = 0, high = 1;
  bool operator==(const ColorLimits&) const = default;
};

/// How it is drawn. Changing it never causes a run, but for activations that a looser rule takes and for
/// positions that M is to be without.
struct Look {
  Picture picture = Picture::HeadsDims;
  bool after_rope = true;
  Shown shown = Shown::Baseline;
  double lambda = 5.0;
  ActivationRule activations;  // which numbers of the residual stream are called massive
  LeftOut left_out;            // what M is without; Massive: by `activations`
  QString color_map = QStringLiteral("viridis");
  ColorScale scale = ColorScale::Linear;
  ColorRange range = ColorRange::Full;
  double percentile = 99.0;              // Percentile: (100 - p) .. p of what is shown
  double exact_low = 0, exact_high = 1;  // Exact
  bool one_scale = true;                 // Q, K and V share one colour scale
  TokenColors token_colors = TokenColors::Baseline;
  bool head_mean = false;    // the panel Attention: the mean over the heads of a layer, not one of them
  bool times_value = false;  // the panel Attention: times the length of each key's value
  PaperPart paper_part = PaperPart::Table1;  // the panel of the first paper's tables
  PaperLayout paper_layout = PaperLayout::Published;
  QStringList results;     // folders of experiments, which stand beside what was published
  QStringList magnitudes;  // files of magnitudes, whose curves stand beside those of the run
  bool operator==(const Look&) const = default;
};

/// The one shared, observable place for selection and look: every view reads it and writes to it, so views
/// need not know each other. Lives on the GUI thread.
class ViewState : public QObject {
  Q_OBJECT
 public:
  explicit ViewState(QObject* parent = nullptr) : QObject(parent) {}

  const Selection& selection() const { return selection_; }
  const Look& look() const { return look_; }
  /// What the pointer is over, in words, for the status bar; empty when it leaves.
  const QString& hover() const { return hover_; }
  /// The position of the prompt that it is over; -1 where it is over none.
  int hoverPosition() const { return hover_position_; }

 public Q_SLOTS:
  void setSelection(const qkscope::Selection& selection);
  void setLook(const qkscope::Look& look);
  void setHover(const QString& words, int position = -1);

 Q_SIGNALS:
  void selectionChanged(const qkscope::Selection& selection);
  void lookChanged(const qkscope::Look& look);
  void hoverChanged(const QString& words);
  void hoverPositionChanged(int position);

 private:
  Selection selection_;
  Look look_;
  QString hover_;
  int hover_position_ = -1;
};

}  // namespace qkscope
