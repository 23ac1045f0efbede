#include "views/overview_painter.h"

#include <QLocale>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "views/ticks.h"

namespace qkscope {

Overview overviewOf(const ViewData& data, const Look& look, bool dark) {
  Overview overview;
  const ModelSpec& spec = *data.spec();
  overview.layers = spec.num_layers();
  overview.with_attention = layersWith(spec, Site::Query);
  const bool difference = look.shown == Shown::Difference;
  std::vector<RangedValues> values;
  std::array<std::vector<float>, 3> ratios;
  std::vector<bool> computed(static_cast<std::size_t>(spec.num_layers()), false);
  Look run = look;
  for (std::size_t s = 0; s < all_sites.size(); ++s) {
    const auto heads = static_cast<std::size_t>(siteHeads(spec, all_sites[s]));
    ratios[s].assign(heads * static_cast<std::size_t>(spec.num_layers()),
                     std::numeric_limits<float>::quiet_NaN());
    const Site site = shownSite(all_sites[s], look.after_rope);
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      run.shown = difference ? Shown::Disrupted : look.shown;
      const Array* m = ruleNorm(data, run, layer, site);
      run.shown = Shown::Baseline;
      const Array* reference = difference ? ruleNorm(data, run, layer, site) : nullptr;
      if (!m || static_cast<std::size_t>(m->size(0)) > heads || (difference && !reference)) continue;
      auto strongest = strongest_ratios(*m);
      if (reference) {
        const auto before = strongest_ratios(*reference);
        std::transform(strongest.begin(), strongest.end(), before.begin(), strongest.begin(), std::minus<>());
      }
      std::copy(strongest.begin(), strongest.end(),
                ratios[s].begin() + static_cast<std::ptrdiff_t>(heads) * layer);
      computed[static_cast<std::size_t>(layer)] = true;
    }
    values.emplace_back(&ratios[s]);
  }
  overview.layer_labels = layerLabels(data);
  overview.computed = static_cast<int>(std::count(computed.begin(), computed.end(), true));

  Look full;  // always the whole range: the overview is for finding, the picture for measuring
  const ColorMap map = difference ? divergingMap(look.color_map) : recedingMap(!dark);
  ColorNorm norm = fitNorm(values, full, difference);
  if (!difference && norm.high > 1) norm.low = 1;  // a maximum is at least the mean
  for (std::size_t s = 0; s < all_sites.size(); ++s) {
    const int heads = siteHeads(spec, all_sites[s]);
    overview.maps[s] = Heatmap(spec.num_layers(), heads, std::move(ratios[s]));
    overview.maps[s].setColors(map, norm);
  }
  overview.bar = {difference ? Words::tr("Δ max M / mean") : Words::tr("max M / mean"), map, norm, {}};
  return overview;
}

OverviewLayout layoutOverview(const Overview& overview, const PlotStyle& style, const QRectF& area,
                              double pixels_per_unit) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
  const QRectF inside = area.adjusted(8 * u, 8 * u, -8 * u, -6 * u);
  OverviewLayout layout;
  layout.title = QRectF(inside.topLeft(), QSizeF(inside.width(), title.height()));
  layout.letters =
      QRectF(inside.left(), layout.title.bottom() + 4 * u, inside.width(), small.height() + 2 * u);
  layout.layer_numbers = inside.left() + small.horizontalAdvance(QStringLiteral("000"));
  const double bar_height = 9 * u + 2 * small.height() + 4 * u;
  const double left = layout.layer_numbers + 5 * u, gap = 8 * u;
  const double top = layout.letters.bottom() + 2 * u, bottom = inside.bottom() - bar_height - 8 * u;
  int columns = 0;
  for (const Heatmap& map : overview.maps) columns += map.columns();
  const auto snap = [&](double length) {
    return pixels_per_unit > 0 && length * pixels_per_unit >= 2
               ? std::floor(length * pixels_per_unit) / pixels_per_unit
               : length;
  };
  const double width = snap(std::min((inside.right() - left - 2 * gap) / std::max(1, columns), 34 * u));
  const double height = snap(std::min((bottom - top) / std::max(1, overview.layers), 34 * u));
  double x = left;
  for (std::size_t s = 0; s < overview.maps.size(); ++s) {
    const Heatmap& map = overview.maps[s];
    QRectF target(x, top, width * map.columns(), height * map.rows());
    if (pixels_per_unit > 0) {
      target.moveTo(std::round(target.x() * pixels_per_unit) / pixels_per_unit,
                    std::round(target.y() * pixels_per_unit) / pixels_per_unit);
    }
    layout.grids[s] = {target, QRectF(0, 0, map.columns(), map.rows()), pixels_per_unit};
    x = target.right() + gap;
  }
  layout.bar =
      QRectF(left, layout.grids[0].target.bottom() + 10 * u, std::max(40 * u, x - gap - left), 9 * u);
  return layout;
}

namespace {

/// A dot on heads that hold a massive value: seen without telling colours apart.
void paintDots(QPainter& painter, const PlotStyle& style, const Heatmap& map, const CellGrid& grid,
               double lambda) {
  const QSizeF size = grid.cellSize();
  const double radius = std::min({size.width() / 4, size.height() / 4, 2.2 * style.unit});
  if (radius < 1.2 * style.unit) return;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(Qt::black, 0.8 * style.unit));
  painter.setBrush(Qt::white);
  for (int row = 0; row < map.rows(); ++row) {
    for (int column = 0; column < map.columns(); ++column) {
      if (map.at(row, column) > static_cast<float>(lambda)) {
        painter.drawEllipse(grid.cell(row, column).center(), radius, radius);
      }
    }
  }
  painter.restore();
}

}  // namespace

void paintOverview(QPainter& painter, const PlotStyle& style, const QRectF& area, const Overview& overview,
                   const OverviewLayout& layout, const Look& look) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
  painter.fillRect(area, style.background);
  painter.setFont(style.title);
  painter.setPen(style.text);
  const QString words = Words::tr("Layers × heads");
  painter.drawText(layout.title, Qt::AlignLeft | Qt::AlignVCenter, words);
  const double beside = layout.title.left() + title.horizontalAdvance(words) + 8 * u;
  painter.setFont(style.small);
  painter.setPen(style.muted);
  const QString so_far =
      overview.computed < overview.with_attention
          ? Words::tr("%1 of %2 layers").arg(overview.computed).arg(overview.with_attention)
          : overview.bar.label;
  const QRectF rest(QPointF(beside, layout.title.top()), layout.title.bottomRight());
  painter.drawText(rest, Qt::AlignLeft | Qt::AlignVCenter,
                   small.elidedText(so_far, Qt::ElideRight, rest.width()));

  const CellGrid& first = layout.grids[0];
  const double row = first.cellSize().height();
  for (const int layer : labelsFromOne(0, overview.layers - 1, row, std::max(small.height(), 2.5 * row))) {
    const double middle = (first.y(layer) + first.y(layer + 1)) / 2;
    painter.drawText(
        QRectF(layout.layer_numbers - 60 * u, middle - small.height() / 2, 60 * u, small.height()),
        Qt::AlignRight | Qt::AlignVCenter,
        small.elidedText(overview.layer_labels.value(layer), Qt::ElideLeft, 60 * u));
  }
  const double line = first.pixels_per_unit > 0 ? 1.0 / first.pixels_per_unit : 0.5 * u;
  for (std::size_t s = 0; s < overview.maps.size(); ++s) {
    const CellGrid& grid = layout.grids[s];
    const Heatmap& map = overview.maps[s];
    painter.setFont(style.small);
    painter.setPen(style.text);
    painter.drawText(QRectF(grid.target.left() - 20 * u, layout.letters.top(), grid.target.width() + 40 * u,
                            layout.letters.height()),
                     Qt::AlignCenter, siteLetter(all_sites[s]));
    map.paint(painter, grid);
    const QSizeF size = grid.cellSize();
    if (size.height() > 5 * u) {
      for (int row = 1; row < map.rows(); ++row) {
        painter.fillRect(QRectF(grid.target.left(), grid.y(row), grid.target.width(), line),
                         style.background);
      }
    }
    if (size.width() > 5 * u) {
      for (int column = 1; column < map.columns(); ++column) {
        painter.fillRect(QRectF(grid.x(column), grid.target.top(), line, grid.target.height()),
                         style.background);
      }
    }
    // Not computed yet is no value, nor is a head that a layer does not have: hatched.
    for (int row = 0; row < map.rows(); ++row) {
      int heads = map.columns();
      while (heads > 0 && std::isnan(map.at(row, heads - 1))) --heads;
      if (heads < map.columns()) {
        const QRectF missing(grid.cell(row, heads).topLeft(),
                             grid.cell(row, map.columns() - 1).bottomRight());
        painter.fillRect(missing, style.surface);
        painter.fillRect(missing, QBrush(style.line, Qt::BDiagPattern));
      }
    }
    if (look.shown != Shown::Difference) paintDots(painter, style, map, grid, look.lambda);
  }

  QImage gradient(256, 1, QImage::Format_RGB32);
  for (int i = 0; i < 256; ++i) gradient.setPixel(i, 0, overview.bar.map.colors[static_cast<std::size_t>(i)]);
  painter.setRenderHint(QPainter::LosslessImageRendering);
  painter.drawImage(layout.bar, gradient);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  const QRectF below(layout.bar.left(), layout.bar.bottom() + 2 * u, layout.bar.width(), small.height());
  const QLocale locale;
  painter.drawText(below, Qt::AlignLeft, locale.toString(overview.bar.norm.low, 'g', 3));
  painter.drawText(below, Qt::AlignRight, locale.toString(overview.bar.norm.high, 'g', 3));
  if (look.shown == Shown::Difference) return;
  const QRectF legend(layout.title.left(), below.bottom(), layout.title.width(), small.height());
  painter.drawText(legend, Qt::AlignHCenter, Words::tr("○ M > %1 × mean").arg(exactWords(look.lambda)));
}

}  // namespace qkscope
