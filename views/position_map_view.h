#pragma once
#include <QPixmap>

#include "views/position_map.h"
#include "views/view.h"

namespace qkscope {

/// A view of one map over positions. What is drawn and what a cell means are a derived class's; zoom, hover,
/// walking, marks, screen readers and paper are here. A click or the arrows select; the wheel zooms (into the
/// rows, too, where they are positions), dragging moves, a double click shows all.
class PositionMapView : public View {
  Q_OBJECT
 public:
  PositionMapView(ViewState& state, QWidget* parent);

  bool isFigure() const override { return true; }
  FigureZoom figureZoom() const override { return zoom_; }
  void setFigureZoom(const FigureZoom& zoom) override { setZoom(zoom); }
  std::optional<ColorLimits> colorLimits() const override;
  void paintFigure(QPainter& painter, const QRectF& area) const override;
  QSize minimumSizeHint() const override { return {300, 130}; }
  QSize sizeHint() const override { return {900, 210}; }

 protected:
  /// Of data(), selection and look as they are; asked only where whyNoFigure() is empty. `light`: for
  /// light ground.
  virtual PositionMap picture(const PlotStyle& style) const = 0;
  /// The cell that is selected, as (column, row); -1 for none.
  virtual QPoint selectedCell() const = 0;
  virtual Selection selectionAt(const QPoint& cell) const = 0;
  virtual QString wordsAt(const QPoint& cell) const = 0;
  /// All that can be done to a cell, where there is something.
  virtual void showMenuAt(const QPoint& /*cell*/, const QPoint& /*global*/) {}
  /// Why the map that is there cannot be shown.
  virtual QString whyNotYet(const PositionMap&) const { return {}; }

  void refresh() override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Drag {
    QPointF from;
    FigureZoom zoom;
    bool moved = false;
  };

  /// (column, row)
  std::optional<QPoint> at(const QPointF& point) const;
  void setZoom(const FigureZoom& zoom);
  void zoomAt(const QPointF& at, double factor);
  void walk(int rows, int columns);
  void describe();
  void paintMarks(QPainter& painter, const PlotStyle& style) const;

  PositionMap picture_;
  PositionMapLayout layout_;
  FigureZoom zoom_ = whole_figure;
  QString message_;
  QPixmap scene_;
  std::optional<Drag> drag_;
};

}  // namespace qkscope
