#pragma once
#include <QPainter>
#include <QRectF>
#include <QString>
#include <QWidget>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/analysis/activation_dump.h"
#include "core/analysis/frequency.h"
#include "core/base/array.h"
#include "core/model/language_model.h"
#include "core/run/run.h"
#include "views/command.h"
#include "views/pointing.h"
#include "views/prompt.h"
#include "views/view_state.h"

namespace qkscope {

/// How far the comparison is what is asked at the moment.
enum class DataState { NoModel, Loading, NoPrompt, Running, Stopped, Failed, Current };

/// What all views look at, as values that are never written to again: the runs of a model, or activations
/// from files, which have no model.
struct ViewData {
  std::shared_ptr<const ModelCard> card;         // null: no model
  std::shared_ptr<const ActivationDump> dump;    // null: no files
  std::shared_ptr<const Comparison> comparison;  // of the selected prompt; parts may still be missing
  QString recorded;                              // when its runs were; empty: they are computed here
  QStringList pieces;                            // readable text of each prompt token
  int prompt_tokens = 0;                         // of the selected prompt, run or not yet; 0: not known
  std::optional<int> bos;                        // the id of the tokenizer's BOS, where it is known
  bool stale = false;                            // not what is asked now: pictures are drawn dimmed
  DataState state = DataState::Current;
  QString problem;  // why there is no comparison, in one sentence, where `state` is Failed

  /// Layers, heads, dims and RoPE of what is shown; null where there is nothing.
  const ModelSpec* spec() const { return card ? &card->spec : dump ? &dump->spec : nullptr; }
  /// Whether nothing that a picture shows of them differs: that a run has begun alone repaints nothing.
  bool looksLike(const ViewData& other, const Look& look) const;
};

/// The numbers behind a picture, for export: one array and the names of its axes.
struct FigureArray {
  QString name;
  QStringList axes;  // e.g. {"head", "dim"}
  Array array;
};

/// The part of a picture's maps that is drawn, as fractions of their columns (x) and rows (y).
using FigureZoom = QRectF;
inline const FigureZoom whole_figure{0, 0, 1, 1};

/// One panel or picture. A view is one file: it says what it needs of a run, takes a new comparison, draws.
/// It knows neither other views nor the application, which knows it by this class alone.
class View : public QWidget {
  Q_OBJECT
 public:
  View(ViewState& state, QWidget* parent);

  /// Whether it is about the runs of a model, or activations; else it is drawn, and exported, without any.
  virtual bool showsRuns() const { return true; }
  /// What runs must capture for this view as it is now; asked when the view is visible.
  virtual Needs needs() const { return {}; }
  /// New data; repaints once the event loop is idle, and only if visible.
  void setData(const ViewData& data);
  /// Where something of it is due it is shown at once, before what others have to do.
  void refreshNow();
  /// The same for all views of the program: what a picture of the window is taken of is what is asked for.
  static void refreshAllDue();
  const ViewData& data() const { return data_; }

  // What belongs to the session, for the views that show it; they ask for changes by signals.
  virtual void setPrompts(const std::vector<Prompt>&, const std::vector<PromptResult>&, int /*selected*/) {}
  virtual void setResult(int /*prompt*/, const PromptResult&) {}
  virtual void setArms(const Arms&) {}
  virtual void setHistory(bool /*can_undo*/, bool /*can_redo*/) {}

  /// What the view can do by keys and menus beside what every window can; asked once.
  virtual std::vector<PlacedCommands> commands() { return {}; }

  /// Pictures only: paints into `area` (in the painter's units) for paper: white background, no interaction.
  virtual bool isFigure() const { return false; }
  virtual void paintFigure(QPainter& painter, const QRectF& area) const;
  virtual std::vector<FigureArray> figureArrays() const { return {}; }
  /// "M of Q, K and V, layer 17": for file names and captions.
  virtual QString figureTitle() const { return {}; }
  /// Why there is nothing to draw, as a sentence; empty where there is a picture.
  virtual QString whyNoFigure() const { return {}; }
  /// What of the picture is drawn; a view that does not zoom always draws the whole.
  virtual FigureZoom figureZoom() const { return whole_figure; }
  /// As far as the view allows: figureZoom() then says what it became.
  virtual void setFigureZoom(const FigureZoom&) {}
  /// Lowest and highest value of the colours that are seen; nothing where there are none.
  virtual std::optional<ColorLimits> colorLimits() const { return {}; }

 Q_SIGNALS:
  void needsChanged();
  /// These in place of the arms of now.
  void armsEdited(const qkscope::Arms& arms);
  /// A menu of all that can be done to the shown arm.
  void armMenuRequested(const QPoint& global);
  /// These columns and the shown arm.
  void columnsPointed(const std::vector<qkscope::ColumnEntry>& entries, qkscope::Pointing pointing);
  /// A menu of all that can be done to this cell.
  void menuRequested(const qkscope::Selection& at, const QPoint& global);
  void undoRequested();
  void redoRequested();
  void promptsEdited(const std::vector<qkscope::Prompt>& prompts, int selected);
  void promptSelected(int index);
  /// To know how a prompt is read; a newer question makes the older one be forgotten.
  void measureRequested(const qkscope::Prompt& prompt, const qkscope::PromptSizeTaker& take);
  /// To be brought to the front.
  void showRequested();
  /// That another panel be shown, by its id.
  void panelRequested(const QString& id);

 protected:
  /// Takes over data() and state(): numbers to pixels. Once per event loop turn; at once for another model.
  virtual void refresh() = 0;
  /// Takes over where the selection is, in a view that is refreshed otherwise.
  virtual void follow() {}
  /// Ask for refresh(); merged, and put off while the view is hidden.
  void scheduleRefresh() { schedule(Due::All); }
  /// Ask for follow(), which a refresh() that is due as well does in its place.
  void scheduleFollow() { schedule(Due::Selection); }
  /// Tells where needs() has become another than when last told.
  void tellNeeds();
  ViewState& state() const { return state_; }
  void showEvent(QShowEvent* event) override;

 private:
  enum class Due { Nothing, Selection, All };
  void schedule(Due what);
  void showDue();

  ViewState& state_;
  ViewData data_;
  Needs told_needs_;
  Due due_ = Due::Nothing;
  bool was_given_ = false;  // data, ever
};

}  // namespace qkscope
