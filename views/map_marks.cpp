#include <algorithm>

#include "views/map_painter.h"
#include "views/ruler.h"

namespace qkscope {

namespace {

/// In two tones, so that it is seen on any colour.
void paintDottedLine(QPainter& painter, double x, double top, double bottom, double unit) {
  for (const auto& [color, offset] : {std::pair{QColor(Qt::black), 0.0}, std::pair{QColor(Qt::white), 2.0}}) {
    QPen pen(color, unit);
    pen.setDashPattern({2, 2});
    pen.setDashOffset(offset);
    pen.setCapStyle(Qt::FlatCap);
    painter.setPen(pen);
    painter.drawLine(QPointF(x, top), QPointF(x, bottom));
  }
}

/// A position's number stands out beside the maps; where it is selected as a whole, its row is framed.
void paintRowMark(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout,
                  const MapMarks& marks) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small);
  for (std::size_t i = 0; i < layout.grids.size(); ++i) {
    const CellGrid& grid = layout.grids[i];
    const int first_column = static_cast<int>(grid.window.left());
    if (marks.row >= model.panels[i].map.rows() || !grid.shows(marks.row, first_column)) continue;
    const QRectF row(QPointF(grid.target.left(), std::max(grid.y(marks.row), grid.target.top())),
                     QPointF(grid.target.right(), std::min(grid.y(marks.row + 1), grid.target.bottom())));
    if (marks.whole_row) {
      const QRectF frame = row.adjusted(-2 * u, -2 * u, 2 * u, 2 * u);
      painter.setBrush(Qt::NoBrush);
      painter.setPen(QPen(style.background, 4 * u));
      painter.drawRect(frame);
      painter.setPen(QPen(style.accent, 2 * u));
      painter.drawRect(frame);
    }
    const QRectF& names = layout.row_names[i];
    if (names.isEmpty()) continue;
    const QString text = QString::number(marks.row);
    const double width = small.horizontalAdvance(text) + 4 * u;
    const QRectF chip(names.right() - width + 2 * u, row.center().y() - small.height() / 2, width,
                      small.height());
    painter.fillRect(chip.adjusted(-3 * u, -2 * u, 0, 2 * u), style.background);
    painter.fillRect(chip, style.text);
    painter.setPen(style.background);
    painter.setFont(style.small);
    painter.drawText(chip, Qt::AlignCenter, text);
  }
}

}  // namespace

void paintEdited(QPainter& painter, const PlotStyle& style, const MapLayout& layout,
                 const std::vector<std::vector<QRect>>& blocks) {
  const double u = style.unit, width = 3 * u;
  // One red for both themes: it stands on white in both.
  const QColor hatch(0xc5281c);
  painter.save();
  painter.setBrush(Qt::NoBrush);
  for (std::size_t i = 0; i < blocks.size() && i < layout.grids.size(); ++i) {
    const CellGrid& grid = layout.grids[i];
    painter.setClipRect(grid.target.adjusted(-width, -width, width, width));
    for (const QRect& block : blocks[i]) {
      QRectF frame(QPointF(grid.x(block.left()), grid.y(block.top())),
                   QPointF(grid.x(block.right() + 1), grid.y(block.bottom() + 1)));
      if (!frame.intersects(grid.target)) continue;
      // Where cells are small, around them, as an outline is, or nothing would be seen of either.
      const double grow = std::max(0.0, (3 * width - std::min(frame.width(), frame.height())) / 2);
      frame = frame.adjusted(-grow, -grow, grow, grow).adjusted(width / 2, width / 2, -width / 2, -width / 2);
      // On white, so that it is seen on any colour, in light and dark; the pattern twice, or it is thin.
      painter.setPen(QPen(Qt::white, width, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
      painter.drawRect(frame);
      painter.setPen(
          QPen(QBrush(hatch, Qt::BDiagPattern), width, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
      for (const double shift : {0.0, 4.0}) {
        painter.setBrushOrigin(QPointF(shift, 0));
        painter.drawRect(frame);
      }
    }
  }
  painter.restore();
}

void paintMapMarks(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout,
                   const MapMarks& marks) {
  if (model.panels.empty()) return;
  const double u = style.unit;
  const auto looked_at = marks.hovered ? marks.hovered : marks.selected;
  painter.save();
  if (looked_at && looked_at->panel < layout.grids.size()) {
    const int dim = looked_at->column;
    const auto rotary = model.axis.at(dim);
    std::vector<int> dims{dim};
    if (rotary && rotary->partner != dim) dims.push_back(rotary->partner);
    const TextMetrics small = style.metrics(style.small);
    for (std::size_t i = 0; i < layout.rulers.size(); ++i) {
      const CellGrid& ruler_grid = layout.grids[i];
      paintRulerLink(painter, style, layout.rulers[i], ruler_grid, model.axis, dim);
      for (const int linked : dims) {
        const double x_left = ruler_grid.x(linked), x_right = ruler_grid.x(linked + 1),
                     x = (x_left + x_right) / 2;
        if (x < ruler_grid.target.left() || x > ruler_grid.target.right()) continue;
        const double bottom =
            model.side_by_side ? ruler_grid.target.bottom() : layout.grids.back().target.bottom();
        // Wide columns, which may hold numbers, are taken between two lines.
        if (ruler_grid.cellSize().width() > 14 * u) {
          paintDottedLine(painter, x_left, ruler_grid.target.top(), bottom, u);
          paintDottedLine(painter, x_right, ruler_grid.target.top(), bottom, u);
        } else {
          paintDottedLine(painter, x, ruler_grid.target.top(), bottom, u);
        }
        const QString text = QString::number(linked);
        const QRectF& axis = layout.dim_axes[i];
        const double width = small.horizontalAdvance(text) + 8 * u;
        const QRectF chip(x - width / 2, axis.top() + u, width, axis.height() - 2 * u);
        for (const DimLabel& label : dimLabels(style, axis, ruler_grid, model.head_dim)) {
          // Half-hidden numbers read wrong.
          if (label.rect.intersects(chip.adjusted(-2 * u, 0, 2 * u, 0)))
            painter.fillRect(label.rect.adjusted(-u, u, u, -u), style.background);
        }
        painter.fillRect(chip, style.text);
        painter.setPen(style.background);
        painter.setFont(style.small);
        painter.drawText(chip, Qt::AlignCenter, text);
      }
    }
  }
  if (marks.row >= 0) paintRowMark(painter, style, model, layout, marks);
  if (marks.selected && marks.selected->panel < layout.grids.size() &&
      layout.grids[marks.selected->panel].shows(marks.selected->row, marks.selected->column)) {
    // Outside the outline of a massive value, so that one does not hide the other.
    const QRectF cell = layout.cell(*marks.selected)
                            .intersected(layout.grids[marks.selected->panel].target)
                            .adjusted(-2.5 * u, -2.5 * u, 2.5 * u, 2.5 * u);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(style.background, 4 * u));
    painter.drawRect(cell);
    painter.setPen(QPen(style.accent, 2 * u));
    painter.drawRect(cell);
  }
  painter.restore();
}

}  // namespace qkscope
