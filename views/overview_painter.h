#pragma once
#include <array>

#include "views/color_bar.h"
#include "views/shown.h"

namespace qkscope {

/// Layers x heads of Q, K and V: the strongest M / mean of each head. NaN where a layer has not come yet.
struct Overview {
  std::array<Heatmap, 3> maps;
  MapColorBar bar;
  int layers = 0, computed = 0;
  int with_attention = 0;  // of the layers
  QStringList layer_labels;
};

Overview overviewOf(const ViewData& data, const Look& look, bool dark);

struct OverviewLayout {
  std::array<CellGrid, 3> grids;
  QRectF title, letters, bar;
  double layer_numbers = 0;  // right edge of the layers' numbers
};

OverviewLayout layoutOverview(const Overview& overview, const PlotStyle& style, const QRectF& area,
                              double pixels_per_unit);
void paintOverview(QPainter& painter, const PlotStyle& style, const QRectF& area, const Overview& overview,
                   const OverviewLayout& layout, const Look& look);

}  // namespace qkscope
