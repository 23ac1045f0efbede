#pragma once
#include <QPoint>

#include "views/color_bar.h"
#include "views/plot_style.h"
#include "views/shown.h"

namespace qkscope {

/// A map whose columns are the positions of the prompt, as numbers and words: layers x positions, or queries
/// x keys.
struct PositionMap {
  QString title;
  QStringList facts;
  Heatmap map{};
  MapColorBar bar{};
  std::vector<QPoint> outlined{};  // (column, row)
  QString foot{};                  // what is outlined
  QStringList tokens{};            // of the columns, as they are drawn
  QStringList row_names{};         // of the rows; of tokens they are those of the columns
  bool rows_are_tokens = false;
  bool rows_from_zero = false;       // they are counted so; layers are told from 1
  std::vector<bool> rows_missing{};  // rows that have not come yet; empty: none
};

/// Where everything of it lies, in the painter's units.
struct PositionMapLayout {
  CellGrid grid;
  QRectF title, facts, tokens, row_names, bar, bar_label, foot;
};

/// `zoom`: the part that is seen, as fractions of columns and rows.
PositionMapLayout layoutPositionMap(const PositionMap& picture, const PlotStyle& style, const QRectF& area,
                                    const FigureZoom& zoom, double pixels_per_unit);
void paintPositionMap(QPainter& painter, const PlotStyle& style, const QRectF& area,
                      const PositionMap& picture, const PositionMapLayout& layout);

}  // namespace qkscope
