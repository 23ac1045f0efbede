#pragma once
#include "views/map_model.h"
#include "views/plot_style.h"
#include "views/ruler.h"

namespace qkscope {

/// The part of every map of a picture that is looked at, as fractions of its columns and rows. Shared by all
/// maps, so that their dims stay in line and the KV heads shown are those of the query heads shown.
using MapZoom = FigureZoom;
inline const MapZoom whole_map = whole_figure;

/// Where everything of a picture lies, in the painter's units.
struct MapLayout {
  QRectF area;
  QRectF title, facts;
  std::vector<QRectF> rulers;             // one above each column of maps
  RulerText ruler_text = RulerText::All;  // beside the first
  std::vector<QRectF> dim_axes;           // the dims' numbers, under each ruler
  std::vector<CellGrid> grids;            // one a panel
  std::vector<QRectF> letters;            // "Q", "K", "V"
  std::vector<QRectF> row_names;          // beside each panel that has them; else empty
  std::vector<QRectF> bars;               // colour bars, labels not included
  QRectF bar_labels;                      // to the right of all bars
  QRectF foot;                            // dim (0-63), counts

  std::optional<CellRef> cellAt(const MapModel& model, const QPointF& at) const;
  QRectF cell(const CellRef& ref) const { return grids[ref.panel].cell(ref.row, ref.column); }
};

/// `pixels_per_unit`: device pixels per unit where the device has pixels, so that cells end on them; else 0.
MapLayout layoutMap(const MapModel& model, const PlotStyle& style, const QRectF& area, const MapZoom& zoom,
                    double pixels_per_unit);

}  // namespace qkscope
