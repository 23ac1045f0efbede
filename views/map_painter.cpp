#include "views/map_painter.h"

#include <QLocale>
#include <algorithm>
#include <cmath>

#include "views/at_once.h"
#include "views/color_bar.h"
#include "views/counted.h"
#include "views/ruler.h"
#include "views/ticks.h"

namespace qkscope {

namespace {

/// The rows and columns of a grid that are at least partly in sight.
struct Visible {
  int first_row, last_row, first_column, last_column;
};

Visible visible(const CellGrid& grid, const Heatmap& map) {
  return {std::max(0, static_cast<int>(std::floor(grid.window.top()))),
          std::min(map.rows(), static_cast<int>(std::ceil(grid.window.bottom()))) - 1,
          std::max(0, static_cast<int>(std::floor(grid.window.left()))),
          std::min(map.columns(), static_cast<int>(std::ceil(grid.window.right()))) - 1};
}

/// Black or white, whichever is read more easily on `ground`.
QColor inkOn(QRgb ground) {
  const auto linear = [](int channel) { return std::pow(channel / 255.0, 2.2); };
  const double luminance =
      0.2126 * linear(qRed(ground)) + 0.7152 * linear(qGreen(ground)) + 0.0722 * linear(qBlue(ground));
  return luminance > 0.18 ? Qt::black : Qt::white;
}

QString cellNumber(float value) {
  if (std::isnan(value)) return QStringLiteral("NaN");
  if (std::isinf(value)) return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
  const double magnitude = std::abs(static_cast<double>(value));
  const QLocale locale;
  if (magnitude != 0 && (magnitude >= 1e5 || magnitude < 1e-2)) return locale.toString(value, 'g', 2);
  return locale.toString(value, 'f', magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2);
}

void paintNumbers(QPainter& painter, const PlotStyle& style, const CellGrid& grid, const Heatmap& map) {
  const TextMetrics small = style.metrics(style.small);
  const QSizeF size = grid.cellSize();
  if (size.width() < small.horizontalAdvance(QStringLiteral("−0000.0")) ||
      size.height() < small.height() * 1.05)
    return;
  const Visible seen = visible(grid, map);
  painter.setFont(style.small);
  for (int row = seen.first_row; row <= seen.last_row; ++row) {
    for (int column = seen.first_column; column <= seen.last_column; ++column) {
      const float value = map.at(row, column);
      painter.setPen(inkOn(map.color(value)));
      painter.drawText(grid.cell(row, column), Qt::AlignCenter, cellNumber(value));
    }
  }
}

void paintSeparators(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapPanel& panel,
                     const CellGrid& grid) {
  if (model.rows == MapRows::Positions) return;
  const Visible seen = visible(grid, panel.map);
  const int every = model.rows == MapRows::LayersHeads ? panel.heads : 1;
  const double height = grid.cellSize().height() * every;
  if (height < 7 * style.unit) return;
  const double line = grid.pixels_per_unit > 0 ? 1.0 / grid.pixels_per_unit : 0.6 * style.unit;
  QColor color = style.background;
  color.setAlphaF(model.rows == MapRows::LayersHeads ? 0.4f : 1.0f);
  for (int row = seen.first_row; row <= seen.last_row; ++row) {
    if (row > 0 && row % every == 0 && grid.y(row) > grid.target.top()) {
      painter.fillRect(QRectF(grid.target.left(), grid.y(row), grid.target.width(), line), color);
    }
  }
}

/// Rows that have not come yet are no values: hatched.
void paintMissingRows(QPainter& painter, const PlotStyle& style, const MapPanel& panel,
                      const CellGrid& grid) {
  const auto rows = static_cast<int>(panel.rows_missing.size());
  for (int row = 0; row < rows; ++row) {
    if (!panel.rows_missing[static_cast<std::size_t>(row)]) continue;
    int end = row;
    while (end < rows && panel.rows_missing[static_cast<std::size_t>(end)]) ++end;
    const QRectF missing =
        QRectF(QPointF(grid.target.left(), grid.y(row)), QPointF(grid.target.right(), grid.y(end)));
    painter.fillRect(missing, style.surface);
    painter.fillRect(missing, QBrush(style.line, Qt::BDiagPattern));
    row = end;
  }
}

/// Outlines of massive cells. In rows too thin for a frame each, neighbours in a column share one, so that
/// their colours stay in sight.
void paintOutlines(QPainter& painter, const PlotStyle& style, std::vector<QPoint> cells,
                   const CellGrid& grid) {
  std::erase_if(cells, [&](const QPoint& cell) { return !grid.shows(cell.y(), cell.x()); });
  std::sort(cells.begin(), cells.end(), [](const QPoint& a, const QPoint& b) {
    return std::pair(a.x(), a.y()) < std::pair(b.x(), b.y());
  });
  const bool thin = grid.cellSize().height() < 7 * style.unit;
  for (std::size_t i = 0; i < cells.size();) {
    QRectF frame = grid.cell(cells[i].y(), cells[i].x());
    const int column = cells[i++].x();
    while (thin && i < cells.size() && cells[i].x() == column) {
      const QRectF next = grid.cell(cells[i].y(), column);
      if (next.top() - frame.bottom() > 2 * style.unit) break;
      frame = frame.united(next);
      ++i;
    }
    paintOutline(painter, frame, style.unit);
  }
}

/// Triangles over the columns whose M is massive, two-toned like the outlines.
void paintColumnMarks(QPainter& painter, const PlotStyle& style, const MapPanel& panel,
                      const CellGrid& grid) {
  const double size = 4 * style.unit;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(style.dark ? Qt::white : Qt::black, style.unit));
  painter.setBrush(style.dark ? Qt::black : Qt::white);
  for (const int column : panel.massive_columns) {
    const double x = (grid.x(column) + grid.x(column + 1)) / 2, y = grid.target.top() - style.unit;
    if (x < grid.target.left() || x > grid.target.right()) continue;
    painter.drawPolygon(QPolygonF{{x - size, y - 1.5 * size}, {x + size, y - 1.5 * size}, {x, y}});
  }
  painter.restore();
}

void paintRowNames(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapPanel& panel,
                   const CellGrid& grid, const QRectF& area) {
  if (area.isEmpty() || panel.map.empty()) return;
  const TextMetrics small = style.metrics(style.small);
  const Visible seen = visible(grid, panel.map);
  const double row_height = grid.cellSize().height();
  const double u = style.unit;
  painter.save();
  painter.setPen(style.muted);
  painter.setFont(style.small);
  const auto place = [&](int row, int rows, const QString& text) {
    const double from = std::max(grid.y(row), grid.target.top());
    const double to = std::min(grid.y(row + rows), grid.target.bottom());
    const double middle = (from + to) / 2;
    painter.drawText(QRectF(area.left(), middle - small.height() / 2, area.width(), small.height()),
                     Qt::AlignRight | Qt::AlignVCenter, text);
  };
  switch (model.rows) {
    case MapRows::Heads: {
      for (const int row : labelsFromOne(seen.first_row, seen.last_row, row_height, small.height() * 0.95))
        place(row, 1, QStringLiteral("h%1").arg(row + 1));
      break;
    }
    case MapRows::LayersHeads: {
      for (const int layer : labelsFromOne(seen.first_row / panel.heads, seen.last_row / panel.heads,
                                           row_height * panel.heads, small.height() * 0.95))
        place(layer * panel.heads, panel.heads,
              small.elidedText(model.row_names.value(layer), Qt::ElideLeft, area.width()));
      break;
    }
    case MapRows::Positions: {
      const TextMetrics mono = style.metrics(style.mono);
      const int step = decimalStep(row_height, mono.height() * 0.92);
      const double number = small.horizontalAdvance(QString::number(model.positions)) + 5 * u;
      for (int row = seen.first_row; row <= seen.last_row; ++row) {
        if (row % step != 0) continue;
        const double middle = (grid.y(row) + grid.y(row + 1)) / 2;
        const QRectF line(area.left(), middle - mono.height() / 2, area.width(), mono.height());
        painter.setFont(style.small);
        painter.setPen(style.muted);
        painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, QString::number(row));
        if (row >= model.row_names.size()) continue;
        painter.setFont(style.mono);
        painter.setPen(style.text);
        const QRectF text = line.adjusted(0, 0, -number, 0);
        painter.drawText(text, Qt::AlignRight | Qt::AlignVCenter,
                         mono.elidedText(model.row_names.at(row), Qt::ElideRight, text.width()));
      }
      break;
    }
  }
  painter.restore();
}

void paintDimAxis(QPainter& painter, const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                  int head_dim) {
  painter.setFont(style.small);
  painter.setPen(style.muted);
  for (const DimLabel& label : dimLabels(style, area, grid, head_dim)) {
    painter.drawText(label.rect, Qt::AlignCenter | Qt::TextDontClip, QString::number(label.dim));
  }
}

/// Cells outlined or marked, and cells that are no point of the scale.
struct MarkCounts {
  std::int64_t massive = 0;
  Heatmap::Counts beside;
};

MarkCounts countAll(const MapModel& model) {
  MarkCounts all;
  for (const MapPanel& panel : model.panels)
    all.massive += static_cast<std::int64_t>(model.rows == MapRows::Positions ? panel.massive_columns.size()
                                                                              : panel.massive.size());
  for (const MapColorBar& bar : model.bars) {
    all.beside.nan += bar.counts.nan;
    all.beside.infinite += bar.counts.infinite;
    all.beside.under += bar.counts.under;
    all.beside.over += bar.counts.over;
  }
  return all;
}

/// Those of `all` that are at least partly in sight.
MarkCounts countInView(const MapModel& model, const std::vector<CellGrid>& grids, const MarkCounts& all) {
  MarkCounts seen;
  const bool none_beside = all.beside == Heatmap::Counts();
  for (std::size_t i = 0; i < model.panels.size(); ++i) {
    const MapPanel& panel = model.panels[i];
    const CellGrid& grid = grids[i];
    if (panel.map.empty()) continue;
    const Visible part = visible(grid, panel.map);
    for (const QPoint& cell : panel.massive) seen.massive += grid.shows(cell.y(), cell.x());
    for (const int column : panel.massive_columns) seen.massive += grid.shows(part.first_row, column);
    for (int row = part.first_row; row <= part.last_row && !none_beside; ++row) {
      if (!panel.rows_missing.empty() && panel.rows_missing[static_cast<std::size_t>(row)]) continue;
      for (int column = part.first_column; column <= part.last_column; ++column)
        seen.beside.add(panel.map.at(row, column), panel.map.norm());
    }
  }
  return seen;
}

/// Title, facts and the RoPE rulers.
void paintHead(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout) {
  painter.setFont(style.title);
  painter.setPen(style.text);
  painter.drawText(layout.title, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, model.title);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  painter.drawText(layout.facts, Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap | Qt::TextDontClip,
                   model.facts.join(QStringLiteral(" · ")));

  for (std::size_t i = 0; i < layout.rulers.size(); ++i) {
    paintRuler(painter, style, layout.rulers[i], layout.grids[i], model.axis, model.positions,
               i == 0 ? layout.ruler_text : RulerText::None, model.no_ruler);
    paintDimAxis(painter, style, layout.dim_axes[i], layout.grids[i], model.head_dim);
  }
}

void paintFoot(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small);
  const double box = small.ascent() * 0.8, between = 14 * u;
  const auto notes = footNotes(model, layout);
  const auto widthOf = [&](const FootNote& note) {
    return small.horizontalAdvance(note.text) + (note.sample ? box + 4 * u : 0);
  };
  // As many lines as they need, each in the middle under the maps where there is room for that.
  const double left = layout.grids.front().target.left(), right = layout.grids.back().target.right();
  double top = layout.foot.top();
  painter.setFont(style.small);
  for (std::size_t next = 0; next < notes.size(); top += small.height()) {
    double width = widthOf(notes[next]);
    std::size_t end = next + 1;
    while (end < notes.size() && width + between + widthOf(notes[end]) <= layout.foot.width())
      width += between + widthOf(notes[end++]);
    double x = std::clamp((left + right - width) / 2, layout.foot.left(),
                          std::max(layout.foot.left(), layout.foot.right() - width));
    for (; next < end; ++next) {
      const FootNote& note = notes[next];
      double text = x;
      if (note.sample) {
        const QRectF sample(x, top + (small.height() - box) / 2, box, box);
        painter.fillRect(sample, *note.sample);
        painter.setPen(QPen(style.line, u));
        painter.drawRect(sample);
        text += box + 4 * u;
      }
      painter.setPen(style.muted);
      painter.drawText(QRectF(text, top, width, small.height()), Qt::AlignLeft | Qt::AlignVCenter, note.text);
      x += widthOf(note) + between;
    }
  }
}

}  // namespace

std::vector<FootNote> footNotes(const MapModel& model, const MapLayout& layout) {
  const std::vector<CellGrid>& grids = layout.grids;
  const QRectF window = grids.front().window;
  std::vector<FootNote> notes{{Words::tr("dim (0 – %1)").arg(model.head_dim - 1), {}}};
  if (window.width() < model.head_dim) {
    notes.front().text = Words::tr("dims %1 – %2 of 0 – %3")
                             .arg(static_cast<int>(std::floor(window.left())))
                             .arg(static_cast<int>(std::ceil(window.right())) - 1)
                             .arg(model.head_dim - 1);
  }
  const Heatmap& first = model.panels.front().map;
  const bool whole = window.width() >= model.head_dim && (first.empty() || window.height() >= first.rows());
  const MarkCounts all = countAll(model), seen = whole ? all : countInView(model, grids, all);
  const QLocale locale;
  const auto number = [&](std::int64_t here, std::int64_t of) {
    const QString text = locale.toString(static_cast<qlonglong>(here));
    return whole ? text : Words::tr("%1 of %2").arg(text, locale.toString(static_cast<qlonglong>(of)));
  };
  const QString massive = number(seen.massive, all.massive);
  notes.push_back({model.rows == MapRows::Positions ? Words::tr("massive columns (▼): %1").arg(massive)
                                                    : Words::tr("massive values outlined: %1").arg(massive),
                   {}});
  if (layout.ruler_text != RulerText::All && model.positions > 0 && !model.axis.inv_freq().empty())
    notes.push_back({Words::tr("dashed: this prompt, %1").arg(tokensWords(model.positions)), {}});
  if (model.bars.empty()) return notes;
  const ColorMap& map = model.bars.front().map;
  const auto note = [&](const QString& words, std::int64_t Heatmap::Counts::*member, QRgb color) {
    if (all.beside.*member > 0)
      notes.push_back({words.arg(number(seen.beside.*member, all.beside.*member)), QColor(color)});
  };
  note(Words::tr("above the scale: %1"), &Heatmap::Counts::over, map.over);
  note(Words::tr("below the scale: %1"), &Heatmap::Counts::under, map.under);
  note(Words::tr("NaN: %1"), &Heatmap::Counts::nan, map.nan);
  note(Words::tr("infinite: %1"), &Heatmap::Counts::infinite, infinite_color);
  return notes;
}

std::vector<DimLabel> dimLabels(const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                                int head_dim) {
  const TextMetrics small = style.metrics(style.small);
  const int step = binaryStep(grid.cellSize().width(), small.horizontalAdvance(QStringLiteral("0000")));
  std::vector<DimLabel> labels;
  for (int dim = 0; dim < head_dim; dim += step) {
    const double x = (grid.x(dim) + grid.x(dim + 1)) / 2;
    if (x < area.left() - 1 || x > area.right() + 1) continue;
    const double width = small.horizontalAdvance(QString::number(dim));
    labels.push_back({dim, QRectF(x - width / 2, area.top(), width, area.height())});
  }
  return labels;
}

void paintMap(QPainter& painter, const PlotStyle& style, const MapModel& model, const MapLayout& layout) {
  const double u = style.unit;
  painter.fillRect(layout.area, style.background);
  if (model.panels.empty()) {
    paintMessage(painter, style, layout.area, model.message);
    return;
  }
  // The pixels of the maps are made beside what is written over them.
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < model.panels.size(); ++i) {
    if (layout.grids[i].pixels_per_unit > 0 && !model.panels[i].map.isRendered(layout.grids[i]))
      due.push_back(i);
  }
  eachAtOnce(1 + due.size(), [&](std::size_t i) {
    if (i == 0) return paintHead(painter, style, model, layout);
    model.panels[due[i - 1]].map.render(layout.grids[due[i - 1]]);
  });
  for (std::size_t i = 0; i < model.panels.size(); ++i) {
    const MapPanel& panel = model.panels[i];
    const CellGrid& grid = layout.grids[i];
    painter.setFont(style.title);
    painter.setPen(style.text);
    painter.drawText(layout.letters[i], Qt::AlignCenter, siteLetter(panel.site));
    if (panel.map.empty()) {
      painter.fillRect(grid.target, style.surface);
      paintMessage(painter, style, grid.target, panel.missing);
      continue;
    }
    panel.map.paint(painter, grid);
    painter.save();
    painter.setClipRect(grid.target, Qt::IntersectClip);
    paintMissingRows(painter, style, panel, grid);
    paintSeparators(painter, style, model, panel, grid);
    paintNumbers(painter, style, grid, panel.map);
    painter.setClipRect(grid.target.adjusted(-3 * u, -3 * u, 3 * u, 3 * u));
    paintOutlines(painter, style, panel.massive, grid);
    painter.restore();
    paintColumnMarks(painter, style, panel, grid);
    paintRowNames(painter, style, model, panel, grid, layout.row_names[i]);
  }
  for (std::size_t i = 0; i < layout.bars.size(); ++i) {
    const QRectF& bar = layout.bars[i];
    const bool alone = layout.bars.size() == 1;
    paintColorBar(painter, style, bar,
                  alone
                      ? layout.bar_labels
                      : QRectF(layout.bar_labels.left(), bar.top(), layout.bar_labels.width(), bar.height()),
                  model.bars[i]);
  }
  paintFoot(painter, style, model, layout);
}

}  // namespace qkscope
