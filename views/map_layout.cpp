#include "views/map_layout.h"

#include <algorithm>
#include <cmath>

namespace qkscope {

namespace {

double widest(const TextMetrics& metrics, const QStringList& texts) {
  double width = 0;
  for (const QString& text : texts) width = std::max(width, metrics.horizontalAdvance(text));
  return width;
}

/// Width that the rows' names want in a picture of `width`.
double rowNameWidth(const MapModel& model, const PlotStyle& style, double width) {
  const TextMetrics small = style.metrics(style.small);
  switch (model.rows) {
    case MapRows::Heads:
      return small.horizontalAdvance(QStringLiteral("h00"));
    case MapRows::LayersHeads:
      return std::max(small.horizontalAdvance(QStringLiteral("000")),
                      std::min(60 * style.unit, widest(small, model.row_names)));
    case MapRows::Positions:
      break;
  }
  const double number = small.horizontalAdvance(QString::number(model.positions)) + 6 * style.unit;
  // Three maps stand beside them.
  return number +
         std::min({110 * style.unit, width * 0.14, widest(style.metrics(style.mono), model.row_names)});
}

int rowsOf(const MapModel& model, const MapPanel& panel) {
  if (!panel.map.empty()) return panel.map.rows();
  return model.rows == MapRows::Positions ? std::max(1, model.positions) : std::max(1, panel.heads);
}

QRectF snapped(const QRectF& rect, double pixels_per_unit) {
  if (pixels_per_unit <= 0) return rect;
  const auto snap = [&](double value) { return std::round(value * pixels_per_unit) / pixels_per_unit; };
  return {QPointF(snap(rect.left()), snap(rect.top())), QPointF(snap(rect.right()), snap(rect.bottom()))};
}

CellGrid gridOf(const MapModel& model, const MapPanel& panel, const QRectF& target, const MapZoom& zoom,
                double pixels_per_unit) {
  const double rows = rowsOf(model, panel), columns = model.head_dim;
  return {snapped(target, pixels_per_unit),
          QRectF(zoom.x() * columns, zoom.y() * rows, zoom.width() * columns, zoom.height() * rows),
          pixels_per_unit};
}

}  // namespace

std::optional<CellRef> MapLayout::cellAt(const MapModel& model, const QPointF& at) const {
  for (std::size_t i = 0; i < grids.size(); ++i) {
    const Heatmap& map = model.panels[i].map;
    const auto cell = grids[i].cellAt(at);
    if (cell && cell->x() < map.columns() && cell->y() < map.rows()) return CellRef{i, cell->y(), cell->x()};
  }
  return std::nullopt;
}

MapLayout layoutMap(const MapModel& model, const PlotStyle& style, const QRectF& area, const MapZoom& zoom,
                    double pixels_per_unit) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
  MapLayout layout;
  layout.area = area;
  if (model.panels.empty()) return layout;

  // What stands beside the maps is as wide in a narrow picture as in a wide one: there the ruler's words go
  // over its short bars.
  const bool narrow = area.width() < 520 * u;
  const double margin = (narrow ? 6 : 12) * u;
  const QRectF inside = area.adjusted(margin, 8 * u, -margin, -6 * u);
  layout.title =
      QRectF(inside.left(), inside.top(), title.horizontalAdvance(model.title) + 2 * u, title.height());
  const QString facts = model.facts.join(QStringLiteral(" · "));
  // Beside the title where they fit on one line, else under it, in as many lines as they need.
  const double beside = inside.right() - layout.title.right() - 12 * u;
  if (small.horizontalAdvance(facts) < beside) {
    const double baseline = title.ascent() - small.ascent();
    layout.facts = QRectF(layout.title.right() + 12 * u, inside.top() + baseline, beside, small.height());
  } else {
    const QRectF wrapped = small.boundingRect(QRectF(0, 0, inside.width(), 1e6), Qt::TextWordWrap, facts);
    layout.facts = QRectF(inside.left(), layout.title.bottom() + u, inside.width(), wrapped.height());
  }
  const double top = std::max(layout.title.bottom(), layout.facts.bottom()) + 8 * u;

  // Right: the bars with their ticks and turned labels.
  const double bar_width = 11 * u, tick_width = small.horizontalAdvance(QStringLiteral("−000.0")) + 7 * u;
  const double label_width = small.height() + 4 * u;
  const double bar_left = inside.right() - bar_width - tick_width - label_width;
  const double right = bar_left - (narrow ? 8 : 16) * u;
  layout.bar_labels = QRectF(inside.right() - label_width, 0, label_width, 0);

  const double foot_height = small.height() * (narrow ? 2.2 : 1.4);
  layout.foot = QRectF(inside.left(), inside.bottom() - foot_height, inside.width(), foot_height);

  const double ruler_height = std::clamp(inside.height() * 0.13, 34 * u, 76 * u);
  const double axis_height = small.height() + 3 * u;
  const double marks_height = model.rows == MapRows::Positions ? 9 * u : 0;  // triangles over massive columns
  const double maps_top = top + ruler_height + axis_height + marks_height;
  const double available = std::max(20 * u, layout.foot.top() - maps_top - 4 * u);
  const double names = rowNameWidth(model, style, inside.width());
  const double letter_width = (narrow ? 16 : 22) * u;
  const double decades = small.horizontalAdvance(QStringLiteral("100k"));
  layout.ruler_text = model.side_by_side ? RulerText::Decades : narrow ? RulerText::Inside : RulerText::All;
  const double ruler_label =
      narrow ? decades : small.horizontalAdvance(QStringLiteral("wavelength")) + decades;

  const auto ruled = [&](double x, double width) {
    layout.rulers.emplace_back(x, top, width, ruler_height);
    layout.dim_axes.emplace_back(x, top + ruler_height, width, axis_height);
  };

  if (model.side_by_side) {
    const double left = inside.left() + std::max(names + 10 * u, decades + 8 * u);
    const double gap = (narrow ? 10 : 18) * u;
    const auto count = static_cast<double>(model.panels.size());
    const double width = std::max(10 * u, (right - left - gap * (count - 1)) / count);
    for (std::size_t i = 0; i < model.panels.size(); ++i) {
      const double x = left + static_cast<double>(i) * (width + gap);
      const double shown_rows = rowsOf(model, model.panels[i]) * zoom.height();
      const double height = std::min(available - 16 * u, std::max(1.0, shown_rows) * 30 * u);
      ruled(x, width);
      layout.letters.emplace_back(x, maps_top + height, width, 16 * u);
      layout.grids.push_back(
          gridOf(model, model.panels[i], QRectF(x, maps_top, width, height), zoom, pixels_per_unit));
      layout.row_names.push_back(
          i == 0 ? QRectF(inside.left(), maps_top, left - inside.left() - 6 * u, height) : QRectF());
    }
  } else {
    const double left = inside.left() + std::max(letter_width + names + 8 * u, ruler_label + 10 * u);
    const double gap = 12 * u;
    double total = 0;
    for (const MapPanel& panel : model.panels) total += rowsOf(model, panel);
    const double gaps = gap * (static_cast<double>(model.panels.size()) - 1);
    // Few heads need not fill a tall window: past this height a row only looks coarse.
    double row = std::min((available - gaps) / total, 34 * u);
    if (pixels_per_unit > 0 && row * pixels_per_unit >= 8) {
      row = std::floor(row * pixels_per_unit) / pixels_per_unit;  // equal rows
    }
    ruled(left, right - left);
    double y = maps_top;
    for (const MapPanel& panel : model.panels) {
      const double height = row * rowsOf(model, panel);
      layout.letters.emplace_back(inside.left(), y, letter_width, height);
      layout.row_names.emplace_back(inside.left() + letter_width, y,
                                    left - inside.left() - letter_width - 6 * u, height);
      layout.grids.push_back(
          gridOf(model, panel, QRectF(left, y, right - left, height), zoom, pixels_per_unit));
      y += height + gap;
    }
    layout.foot.moveTop(std::min(layout.foot.top(), y - gap + 4 * u));
  }
  // The ruler's bars stand exactly over their columns.
  for (std::size_t i = 0; i < layout.rulers.size(); ++i) {
    const QRectF& target = layout.grids[i].target;
    layout.rulers[i].setLeft(target.left());
    layout.rulers[i].setRight(target.right());
    layout.dim_axes[i].setLeft(target.left());
    layout.dim_axes[i].setRight(target.right());
  }

  const double bars_top = layout.grids.front().target.top(),
               bars_bottom = layout.grids.back().target.bottom();
  const std::size_t bars = model.bars.size();
  for (std::size_t i = 0; i < bars; ++i) {
    QRectF bar(bar_left, bars_top, bar_width, bars_bottom - bars_top);
    if (bars > 1 && model.side_by_side) {
      const double share = bar.height() / static_cast<double>(bars);
      bar = QRectF(bar_left, bars_top + static_cast<double>(i) * share, bar_width, share - 14 * u);
    } else if (bars > 1) {
      // Beside the first panel that uses it.
      for (std::size_t panel = 0; panel < model.panels.size(); ++panel) {
        if (model.panels[panel].bar == i && !model.panels[panel].map.empty()) {
          bar.setTop(layout.grids[panel].target.top());
          bar.setBottom(layout.grids[panel].target.bottom());
          break;
        }
      }
    }
    layout.bars.push_back(snapped(bar, pixels_per_unit));
  }
  layout.bar_labels = QRectF(layout.bar_labels.left(), bars_top, label_width, bars_bottom - bars_top);
  return layout;
}

}  // namespace qkscope
