#pragma once
#include <vector>

#include "views/chart.h"
#include "views/qcustomplot.h"

// What QCustomPlot does not draw by itself.

namespace qkscope {

/// Bars with their curve's name at the foot, where there is room: never colour alone.
class NamedBars : public QCPBars {
 public:
  NamedBars(QCPAxis* x, QCPAxis* y, const QFont& font, const QColor& letters);

 protected:
  void draw(QCPPainter* painter) override;

 private:
  QFont font_;
  QColor letters_;
};

/// A graph whose points stand in intervals, with a bar across the ends of each.
class IntervalGraph : public QCPGraph {
 public:
  IntervalGraph(QCPAxis* x, QCPAxis* y, const Curve& curve);
  QCPRange getValueRange(bool& found, QCP::SignDomain domain = QCP::sdBoth,
                         const QCPRange& keys = QCPRange()) const override;

 protected:
  void draw(QCPPainter* painter) override;

 private:
  std::vector<double> x_, low_, high_;
};

/// A sentence over a whole axis rect, in as many lines as it takes.
class WrappedWords : public QCPAbstractItem {
 public:
  WrappedWords(QCPAxisRect* rect, const QString& words, const QFont& font, const QColor& color);
  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  QString words_;
  QFont font_;
  QColor color_;
};

}  // namespace qkscope
