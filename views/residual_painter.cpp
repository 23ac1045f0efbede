#include "views/residual_painter.h"

#include <QLocale>
#include <algorithm>
#include <cmath>

#include "views/ticks.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

constexpr double turn = 45;  // of the tokens under the map, in degrees

QString factsOf(const ResidualMap& residual, const ViewData& data, const Look& look) {
  QStringList facts{
      look.shown == Shown::Difference
          ? Words::tr("max over dims of |h[position, dim]| after each layer, disrupted − baseline")
          : Words::tr("max over dims of |h[position, dim]| after each layer"),
      shownWords(look.shown)};
  const int layers = data.spec()->num_layers();
  if (residual.computed < layers)
    facts << Words::tr("%1 of %2 layers so far").arg(residual.computed).arg(layers);
  facts << (look.shown == Shown::Difference ? Words::tr("symlog") : Words::tr("log"))
        << residual.bar.map.name;
  return facts.join(QStringLiteral(" · "));
}

void paintTokens(QPainter& painter, const PlotStyle& style, const ResidualLayout& layout,
                 const ViewData& data) {
  const QFontMetricsF mono = style.metrics(style.mono), small = style.metrics(style.small);
  const CellGrid& grid = layout.grid;
  const double u = style.unit, length = layout.tokens.height() / std::sin(turn * M_PI / 180) - 4 * u;
  const int step = decimalStep(grid.cellSize().width(), mono.height() * 1.05);
  painter.save();
  for (int position = 0; position < data.pieces.size(); position += step) {
    const double x = (grid.x(position) + grid.x(position + 1)) / 2;
    if (x < grid.target.left() || x > grid.target.right()) continue;
    painter.save();
    painter.translate(x, layout.tokens.top() + 2 * u);
    painter.rotate(turn);
    const QString number = QString::number(position) + u' ';
    painter.setFont(style.small);
    painter.setPen(style.muted);
    painter.drawText(QPointF(0, small.ascent()), number);
    const double after = small.horizontalAdvance(number);
    painter.setFont(style.mono);
    painter.setPen(style.text);
    painter.drawText(QPointF(after, small.ascent()),
                     mono.elidedText(visibleToken(data.pieces.at(position)), Qt::ElideRight, length - after));
    painter.restore();
  }
  painter.restore();
}

}  // namespace

ResidualLayout layoutResidual(const ResidualMap& residual, const ViewData& data, const PlotStyle& style,
                              const QRectF& area, const FigureZoom& zoom, double pixels_per_unit) {
  const double u = style.unit;
  const QFontMetricsF small = style.metrics(style.small), title = style.metrics(style.title);
  const QRectF inside = area.adjusted(10 * u, 6 * u, -10 * u, -4 * u);
  ResidualLayout layout;
  const QString words = Words::tr("Residual stream");
  layout.title = QRectF(inside.left(), inside.top(), title.horizontalAdvance(words) + 2 * u, title.height());
  layout.facts = QRectF(layout.title.right() + 10 * u, inside.top(),
                        inside.right() - layout.title.right() - 10 * u, title.height());
  double labels = small.horizontalAdvance(QStringLiteral("000"));
  for (const QString& label : layerLabels(data)) labels = std::max(labels, small.horizontalAdvance(label));
  labels = std::min(labels, 60 * u);
  const double bar = 11 * u, bar_words = small.horizontalAdvance(QStringLiteral("−100,000")) + 7 * u,
               turned = small.height() + 4 * u;
  const double foot = small.height() * 1.3, tokens = std::clamp(inside.height() * 0.22, 26 * u, 64 * u);
  const double left = inside.left() + labels + 5 * u,
               right = inside.right() - bar - bar_words - turned - 12 * u;
  const double top = layout.title.bottom() + 5 * u, bottom = inside.bottom() - foot - tokens;
  const double rows = residual.map.rows(), columns = residual.map.columns();
  QRectF target(left, top, std::max(10 * u, right - left), std::max(10 * u, bottom - top));
  if (pixels_per_unit > 0) {
    const auto snap = [&](double v) { return std::round(v * pixels_per_unit) / pixels_per_unit; };
    target = QRectF(QPointF(snap(target.left()), snap(target.top())),
                    QPointF(snap(target.right()), snap(target.bottom())));
  }
  layout.grid = {target,
                 QRectF(zoom.x() * columns, zoom.y() * rows, zoom.width() * columns, zoom.height() * rows),
                 pixels_per_unit};
  layout.layers = QRectF(inside.left(), target.top(), labels, target.height());
  layout.tokens = QRectF(target.left(), target.bottom(), target.width(), tokens);
  layout.bar = QRectF(target.right() + 12 * u, target.top(), bar, target.height());
  layout.bar_label = QRectF(inside.right() - turned, target.top(), turned, target.height());
  layout.foot = QRectF(inside.left(), inside.bottom() - foot, inside.width(), foot);
  return layout;
}

void paintResidual(QPainter& painter, const PlotStyle& style, const QRectF& area, const ResidualMap& residual,
                   const ResidualLayout& layout, const ViewData& data, const Look& look) {
  const double u = style.unit;
  const QFontMetricsF small = style.metrics(style.small);
  const CellGrid& grid = layout.grid;
  painter.fillRect(area, style.background);
  painter.setFont(style.title);
  painter.setPen(style.text);
  painter.drawText(layout.title, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip,
                   Words::tr("Residual stream"));
  painter.setFont(style.small);
  painter.setPen(style.muted);
  painter.drawText(layout.facts, Qt::AlignLeft | Qt::AlignVCenter,
                   small.elidedText(factsOf(residual, data, look), Qt::ElideRight, layout.facts.width()));
  residual.map.paint(painter, grid);

  painter.save();
  painter.setClipRect(grid.target.adjusted(-3 * u, -3 * u, 3 * u, 3 * u), Qt::IntersectClip);
  // Layers that have not come yet are no values: hatched.
  for (int layer = 0; layer < residual.map.rows(); ++layer) {
    if (shownResidual(data, look.shown == Shown::Baseline ? Shown::Baseline : Shown::Disrupted, layer))
      continue;
    const QRectF missing(QPointF(grid.target.left(), grid.y(layer)),
                         QPointF(grid.target.right(), grid.y(layer + 1)));
    painter.fillRect(missing.intersected(grid.target), style.surface);
    painter.fillRect(missing.intersected(grid.target), QBrush(style.line, Qt::BDiagPattern));
  }
  // Neighbours in a column share one frame, so that their colours stay in sight.
  std::vector<QPoint> cells = residual.massive;
  std::erase_if(cells, [&](const QPoint& cell) { return !grid.shows(cell.y(), cell.x()); });
  std::ranges::sort(cells, {}, [](const QPoint& cell) { return std::pair(cell.x(), cell.y()); });
  for (std::size_t i = 0; i < cells.size();) {
    QRectF frame = grid.cell(cells[i].y(), cells[i].x());
    std::size_t end = i + 1;
    for (; end < cells.size() && cells[end].x() == cells[i].x() && cells[end].y() == cells[end - 1].y() + 1;
         ++end)
      frame = frame.united(grid.cell(cells[end].y(), cells[end].x()));
    paintOutline(painter, frame, u);
    i = end;
  }
  painter.restore();

  painter.setFont(style.small);
  painter.setPen(style.muted);
  const QStringList names = layerLabels(data);
  const int first = std::max(0, static_cast<int>(std::floor(grid.window.top()))),
            last = std::min(residual.map.rows(), static_cast<int>(std::ceil(grid.window.bottom()))) - 1;
  for (const int layer : labelsFromOne(first, last, grid.cellSize().height(), small.height() * 0.95)) {
    const double middle =
        (std::max(grid.y(layer), grid.target.top()) + std::min(grid.y(layer + 1), grid.target.bottom())) / 2;
    painter.drawText(
        QRectF(layout.layers.left(), middle - small.height() / 2, layout.layers.width(), small.height()),
        Qt::AlignRight | Qt::AlignVCenter,
        small.elidedText(names.value(layer), Qt::ElideLeft, layout.layers.width()));
  }
  paintTokens(painter, style, layout, data);
  paintColorBar(painter, style, layout.bar, layout.bar_label, residual.bar);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  const QString outlined = look.shown == Shown::Difference
                               ? Words::tr("outlined: massive activations of the baseline, %1: %2 cells")
                               : Words::tr("outlined: massive activations, %1: %2 cells");
  painter.drawText(
      layout.foot, Qt::AlignHCenter | Qt::AlignVCenter,
      outlined.arg(residualRule(look), QLocale().toString(static_cast<qlonglong>(residual.massive.size()))));
}

}  // namespace qkscope
