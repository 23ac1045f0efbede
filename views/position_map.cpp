#include "views/position_map.h"

#include <algorithm>
#include <cmath>

#include "views/ticks.h"

namespace qkscope {

namespace {

constexpr double turn = 45;  // of the tokens under the map, in degrees

QString numbered(int position) {
  return QString::number(position) + u' ';
}

void paintColumnTokens(QPainter& painter, const PlotStyle& style, const PositionMap& picture,
                       const PositionMapLayout& layout) {
  const TextMetrics mono = style.metrics(style.mono), small = style.metrics(style.small);
  const CellGrid& grid = layout.grid;
  // The type's own height, turned, takes a part of the place, too.
  const double u = style.unit,
               length = (layout.tokens.height() - 2 * u) / std::sin(turn * M_PI / 180) - mono.height();
  const int step = decimalStep(grid.cellSize().width(), mono.height() * 1.05);
  for (int position = 0; position < picture.tokens.size(); position += step) {
    const double x = (grid.x(position) + grid.x(position + 1)) / 2;
    if (x < grid.target.left() || x > grid.target.right()) continue;
    painter.save();
    painter.translate(x, layout.tokens.top() + 2 * u);
    painter.rotate(turn);
    painter.setFont(style.small);
    painter.setPen(style.muted);
    painter.drawText(QPointF(0, small.ascent()), numbered(position));
    const double after = small.horizontalAdvance(numbered(position));
    painter.setFont(style.mono);
    painter.setPen(style.text);
    painter.drawText(QPointF(after, small.ascent()),
                     mono.elidedText(picture.tokens.at(position), Qt::ElideRight, length - after));
    painter.restore();
  }
}

void paintRowNames(QPainter& painter, const PlotStyle& style, const PositionMap& picture,
                   const PositionMapLayout& layout) {
  const TextMetrics small = style.metrics(style.small), mono = style.metrics(style.mono);
  const CellGrid& grid = layout.grid;
  const QRectF& area = layout.row_names;
  const double height = grid.cellSize().height();
  const int first = std::max(0, static_cast<int>(std::floor(grid.window.top()))),
            last = std::min(picture.map.rows(), static_cast<int>(std::ceil(grid.window.bottom()))) - 1;
  std::vector<int> rows;
  if (picture.rows_are_tokens || picture.rows_from_zero) {
    const int step =
        decimalStep(height, picture.rows_are_tokens ? mono.height() * 0.92 : small.height() * 0.95);
    for (int row = (first + step - 1) / step * step; row <= last; row += step) rows.push_back(row);
  } else {
    rows = labelsFromOne(first, last, height, small.height() * 0.95);
  }
  for (const int row : rows) {
    const double middle =
        (std::max(grid.y(row), grid.target.top()) + std::min(grid.y(row + 1), grid.target.bottom())) / 2;
    QRectF line(area.left(), middle - small.height() / 2, area.width(), small.height());
    painter.setFont(style.small);
    painter.setPen(style.muted);
    if (picture.rows_are_tokens) {
      painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, QString::number(row));
      line.setRight(line.right() - small.horizontalAdvance(numbered(picture.map.rows())));
      painter.setFont(style.mono);
      painter.setPen(style.text);
      painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter,
                       mono.elidedText(picture.row_names.value(row), Qt::ElideRight, line.width()));
    } else {
      painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter,
                       small.elidedText(picture.row_names.value(row), Qt::ElideLeft, line.width()));
    }
  }
}

/// Neighbours in a column share one frame, so that their colours stay in sight.
void paintOutlined(QPainter& painter, const PlotStyle& style, std::vector<QPoint> cells,
                   const CellGrid& grid) {
  std::erase_if(cells, [&](const QPoint& cell) { return !grid.shows(cell.y(), cell.x()); });
  std::ranges::sort(cells, {}, [](const QPoint& cell) { return std::pair(cell.x(), cell.y()); });
  for (std::size_t i = 0; i < cells.size();) {
    QRectF frame = grid.cell(cells[i].y(), cells[i].x());
    std::size_t end = i + 1;
    for (; end < cells.size() && cells[end] == cells[end - 1] + QPoint(0, 1); ++end)
      frame = frame.united(grid.cell(cells[end].y(), cells[end].x()));
    paintOutline(painter, frame, style.unit);
    i = end;
  }
}

}  // namespace

PositionMapLayout layoutPositionMap(const PositionMap& picture, const PlotStyle& style, const QRectF& area,
                                    const FigureZoom& zoom, double pixels_per_unit) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
  const QRectF inside = area.adjusted(10 * u, 6 * u, -10 * u, -4 * u);
  PositionMapLayout layout;
  layout.title =
      QRectF(inside.left(), inside.top(), title.horizontalAdvance(picture.title) + 2 * u, title.height());
  layout.facts = QRectF(layout.title.right() + 10 * u, inside.top(),
                        inside.right() - layout.title.right() - 10 * u, title.height());
  double labels = small.horizontalAdvance(QStringLiteral("000"));
  const TextMetrics names = style.metrics(picture.rows_are_tokens ? style.mono : style.small);
  for (const QString& name : picture.row_names) labels = std::max(labels, names.horizontalAdvance(name));
  labels = std::min(labels, (picture.rows_are_tokens ? 90 : 60) * u);
  if (picture.rows_are_tokens) labels += small.horizontalAdvance(numbered(picture.map.rows()));
  const double bar = 11 * u, bar_words = small.horizontalAdvance(QStringLiteral("−100,000")) + 7 * u,
               turned = small.height() + 4 * u;
  const double foot = small.height() * 1.3, tokens = std::clamp(inside.height() * 0.22, 26 * u, 64 * u);
  const double left = inside.left() + labels + 5 * u,
               right = inside.right() - bar - bar_words - turned - 12 * u;
  const double top = layout.title.bottom() + 5 * u, bottom = inside.bottom() - foot - tokens;
  QRectF target(left, top, std::max(10 * u, right - left), std::max(10 * u, bottom - top));
  if (pixels_per_unit > 0) {
    const auto snap = [&](double v) { return std::round(v * pixels_per_unit) / pixels_per_unit; };
    target = QRectF(QPointF(snap(target.left()), snap(target.top())),
                    QPointF(snap(target.right()), snap(target.bottom())));
  }
  const double rows = picture.map.rows(), columns = picture.map.columns();
  layout.grid = {target,
                 QRectF(zoom.x() * columns, zoom.y() * rows, zoom.width() * columns, zoom.height() * rows),
                 pixels_per_unit};
  layout.row_names = QRectF(inside.left(), target.top(), labels, target.height());
  layout.tokens = QRectF(target.left(), target.bottom(), target.width(), tokens);
  layout.bar = QRectF(target.right() + 12 * u, target.top(), bar, target.height());
  layout.bar_label = QRectF(inside.right() - turned, target.top(), turned, target.height());
  layout.foot = QRectF(inside.left(), inside.bottom() - foot, inside.width(), foot);
  return layout;
}

void paintPositionMap(QPainter& painter, const PlotStyle& style, const QRectF& area,
                      const PositionMap& picture, const PositionMapLayout& layout) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small);
  const CellGrid& grid = layout.grid;
  painter.fillRect(area, style.background);
  painter.setFont(style.title);
  painter.setPen(style.text);
  painter.drawText(layout.title, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, picture.title);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  painter.drawText(
      layout.facts, Qt::AlignLeft | Qt::AlignVCenter,
      small.elidedText(picture.facts.join(QStringLiteral(" · ")), Qt::ElideRight, layout.facts.width()));
  picture.map.paint(painter, grid);
  painter.save();
  painter.setClipRect(grid.target.adjusted(-3 * u, -3 * u, 3 * u, 3 * u), Qt::IntersectClip);
  // Rows that have not come yet are no values: hatched.
  for (std::size_t row = 0; row < picture.rows_missing.size(); ++row) {
    if (!picture.rows_missing[row]) continue;
    const int at = static_cast<int>(row);
    const QRectF missing =
        QRectF(QPointF(grid.target.left(), grid.y(at)), QPointF(grid.target.right(), grid.y(at + 1)))
            .intersected(grid.target);
    painter.fillRect(missing, style.surface);
    painter.fillRect(missing, QBrush(style.line, Qt::BDiagPattern));
  }
  paintOutlined(painter, style, picture.outlined, grid);
  painter.restore();
  paintRowNames(painter, style, picture, layout);
  paintColumnTokens(painter, style, picture, layout);
  paintColorBar(painter, style, layout.bar, layout.bar_label, picture.bar);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  painter.drawText(layout.foot, Qt::AlignHCenter | Qt::AlignVCenter,
                   small.elidedText(picture.foot, Qt::ElideRight, layout.foot.width()));
}

}  // namespace qkscope
