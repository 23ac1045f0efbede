#pragma once
#include "views/curve_plot.h"
#include "views/view.h"

namespace qkscope {

/// A view of charts beside each other. What is charted is a derived class's; reading out, walking, screen
/// readers, paper and arrays are here.
class CurvesView : public View {
  Q_OBJECT
 public:
  CurvesView(ViewState& state, QWidget* parent);

  bool isFigure() const override { return true; }
  void paintFigure(QPainter& painter, const QRectF& area) const override;
  std::vector<FigureArray> figureArrays() const override;
  QString whyNoFigure() const override;
  QSize sizeHint() const override { return {900, 210}; }
  QSize minimumSizeHint() const override { return {300, 130}; }

  const CurvePlot& plot() const { return *plot_; }

 protected:
  /// Of data(), selection and look as they are; asked only where there is something to see.
  virtual std::vector<Chart> charts() const = 0;
  /// Where the selection is on the x axis of the chart `id`.
  virtual std::optional<double> selectedAt(const QString& id) const = 0;
  /// The selection with `x` of the chart `id` in it.
  virtual Selection selected(const QString& id, double x) const = 0;

  void refresh() override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  std::vector<Chart> marked() const;
  void walk(int steps);

  CurvePlot* plot_;
  QString message_;
  int walked_ = 0;  // the chart that was picked in last: the arrows walk along it
};

}  // namespace qkscope
