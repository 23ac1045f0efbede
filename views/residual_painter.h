#pragma once
#include "views/plot_style.h"
#include "views/residual.h"

namespace qkscope {

/// Where everything of the layers x positions map lies, in the painter's units.
struct ResidualLayout {
  CellGrid grid;
  QRectF title, facts, tokens, layers, bar, bar_label, foot;
};

/// `zoom`: the part that is seen, as fractions of columns and rows.
ResidualLayout layoutResidual(const ResidualMap& residual, const ViewData& data, const PlotStyle& style,
                              const QRectF& area, const FigureZoom& zoom, double pixels_per_unit);
void paintResidual(QPainter& painter, const PlotStyle& style, const QRectF& area, const ResidualMap& residual,
                   const ResidualLayout& layout, const ViewData& data, const Look& look);

}  // namespace qkscope
