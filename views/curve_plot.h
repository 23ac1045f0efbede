#pragma once
#include <QString>
#include <algorithm>
#include <vector>

#include "views/chart.h"
#include "views/plot_style.h"
#include "views/qcustomplot.h"

namespace qkscope {

/// Charts beside each other, in as many rows as suit the place, as every curve of the program looks: the
/// palette's colours, small type, whole ticks. The wheel and dragging zoom and move a chart, a double click
/// shows it whole again, a click picks an x, the pointer reads out.
class CurvePlot : public QCustomPlot {
  Q_OBJECT
 public:
  explicit CurvePlot(QWidget* parent = nullptr);

  /// Zoomed charts stay so as long as they are about the same things.
  void setCharts(std::vector<Chart> charts);
  const std::vector<Chart>& charts() const { return charts_; }

  /// The charts on paper: `area` in the painter's units.
  static void paint(QPainter& painter, const QRectF& area, const std::vector<Chart>& charts);

 Q_SIGNALS:
  void picked(int chart, double x);
  /// What the pointer is over, in words; empty where it is over nothing.
  void hovered(const QString& words);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Inks {
    PlotStyle style;
    QFont small, title;
  };
  explicit CurvePlot(const Inks& inks);

  double columnWidth() const { return static_cast<double>(width()) / std::max(1, columns_); }
  void dressAnew();
  void build();
  void fill(int chart);
  void dress(QCPAxisRect* rect, const Chart& chart);
  void addCurve(QCPAxisRect* rect, const Curve& curve);
  void addBars(QCPAxisRect* rect, const Curve& curve, int index, int count);
  void addMarks(QCPAxisRect* rect, const Chart& chart);
  double addLegend(QCPAxisRect* rect);
  double rectHeight() const;
  int chartAt(const QPointF& place) const;
  QString wordsAt(int chart, const QPointF& place) const;

  std::vector<Chart> charts_;
  std::vector<QCPAxisRect*> rects_;
  int columns_ = 1;
  std::vector<bool> zoomed_;
  Inks inks_;
  QPointF pressed_;
};

}  // namespace qkscope
