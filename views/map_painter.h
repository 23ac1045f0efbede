#pragma once
#include "views/map_layout.h"

namespace qkscope {

/// The whole picture but for what follows the pointer: header, ruler, maps, outlines, axes, colour bars. The
/// same for the screen and for paper.
void paintMap(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout);

/// A piece of the line under the picture, with a sample of the colour it speaks of.
struct FootNote {
  QString text;
  std::optional<QColor> sample;
};
/// What the marks in the picture mean, and how many cells are no point of the scale; of a part of the
/// picture, how many in sight of how many in all.
std::vector<FootNote> footNotes(const MapModel& model, const MapLayout& layout);

/// The numbers of the dim axis that have room, and where they stand.
struct DimLabel {
  int dim = 0;
  QRectF rect;
};
std::vector<DimLabel> dimLabels(const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                                int head_dim);

/// Hatched frames around blocks of cells, as (column, row), of each map: what is edited, which outlines, what
/// a rule calls massive, do not tell.
void paintEdited(QPainter& painter, const PlotStyle& style, const MapLayout& layout,
                 const std::vector<std::vector<QRect>>& blocks);

/// What follows the pointer and the selection: the frame of the selected cell, and lines through the dim that
/// is looked at and its rotary partner.
struct MapMarks {
  std::optional<CellRef> selected, hovered;
  int row = -1;            // that is looked at in rows of positions
  bool whole_row = false;  // it is selected, and no cell of it
};
void paintMapMarks(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout,
                   const MapMarks& marks);

}  // namespace qkscope
