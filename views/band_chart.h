#pragma once
#include <QPainter>
#include <QWidget>
#include <vector>

#include "views/plot_style.h"
#include "views/shown.h"

namespace qkscope {

/// Share of the entries of Q and of K that are massive, band by band of the RoPE ruler.
struct Bands {
  std::vector<BandShare> query, key;
  QString missing;  // why there are none
  QString note;     // which layers they are of, where not of all
};

Bands bandsOf(const ViewData& data, const Look& look);

void paintBands(QPainter& painter, const PlotStyle& style, const QRectF& area, const Bands& bands);

class BandChart : public QWidget {
  Q_OBJECT
 public:
  explicit BandChart(QWidget* parent);
  void setBands(const Bands& bands);
  QSize sizeHint() const override { return {280, 120}; }
  QSize minimumSizeHint() const override { return {160, 90}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  Bands bands_;
};

}  // namespace qkscope
