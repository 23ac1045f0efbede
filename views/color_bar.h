#pragma once
#include <QPainter>

#include "views/heatmap.h"
#include "views/plot_style.h"

namespace qkscope {

/// What a colour bar says.
struct MapColorBar {
  QString label;  // formula and unit
  ColorMap map;
  ColorNorm norm;
  Heatmap::Counts counts;  // of the maps it belongs to
  /// Where the bar begins: above norm.low where a diverging map, with zero in its middle, shows values of one
  /// sign.
  double from = norm.low;
};

/// Colour bar with ticks, the colours of clipped cells at its ends where there are any, and its label turned.
void paintColorBar(QPainter& painter, const PlotStyle& style, const QRectF& bar, const QRectF& label,
                   const MapColorBar& colors);

/// Middle of `area`, wrapped: why there is no picture.
void paintMessage(QPainter& painter, const PlotStyle& style, const QRectF& area, const QString& message);

}  // namespace qkscope
