#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "views/curve_plot.h"
#include "views/pointing.h"
#include "views/shown.h"

namespace qkscope {

/// Share of the entries of Q and of K that are massive, band by band of the RoPE ruler.
struct Bands {
  std::vector<BandShare> query, key;
  QString missing;  // why there are none
  QString note;     // which layers they are of, where not of all
};

Bands bandsOf(const ViewData& data, const Look& look);

/// The bands stand at x = 0, 1, 2 ..., their shares in per cent.
Chart chartOf(const Bands& bands);

/// A click or a drag chooses bands, the arrow keys walk over them, with Shift they choose more; the menu, or
/// X, Shift+X and Ctrl+Shift+X as on a map, then disrupt what rotates so. Where it is zoomed by the wheel,
/// Ctrl+drag moves it.
class BandChart : public CurvePlot {
  Q_OBJECT
 public:
  explicit BandChart(QWidget* parent);
  void setBands(const Bands& bands);
  /// First and last band that are chosen; nothing where none are.
  std::optional<std::pair<int, int>> chosen() const { return chosen_; }
  /// Where a band stands.
  QRect band(int index) const;
  QSize sizeHint() const override { return {280, 160}; }
  QSize minimumSizeHint() const override { return {160, 110}; }

 Q_SIGNALS:
  /// These bands of these sites.
  void pointed(const std::vector<qkscope::Site>& sites, int first, int last, qkscope::Pointing pointing);

 protected:
  bool event(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  int count() const { return static_cast<int>(bands_.query.size()); }
  /// -1 where there are none.
  int bandAt(double x) const;
  /// From where the choice began to here.
  void chooseTo(int band);
  void showChart();
  QString chosenWords() const;

  std::optional<std::pair<int, int>> chosen_;
  int anchor_ = 0, end_ = 0;  // where the choice began, and where it has come to
  bool choosing_ = false;     // by a drag
  Bands bands_;
};

}  // namespace qkscope
