#include "views/effect_canvas.h"

#include <QMouseEvent>
#include <QPainter>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "views/color_bar.h"
#include "views/counted.h"
#include "views/plot_style.h"
#include "views/shown.h"

namespace qkscope {

namespace {

constexpr std::array sites{EffectSite::Query, EffectSite::Key, EffectSite::Both};
constexpr std::array picks{EffectPick::Massive, EffectPick::Smallest, EffectPick::Random};
// Nats; less than this is no effect, and colours would make one of it.
constexpr double least_scale = 0.01;

QString siteWords(EffectSite site) {
  return site == EffectSite::Query ? QStringLiteral("Q")
         : site == EffectSite::Key ? QStringLiteral("K")
                                   : QStringLiteral("Q+K");
}

QString pickWords(EffectPick pick) {
  return pick == EffectPick::Massive    ? EffectCanvas::tr("massive")
         : pick == EffectPick::Smallest ? EffectCanvas::tr("as many smallest")
                                        : EffectCanvas::tr("as many random");
}

}  // namespace

QString effectWords(const EffectCell& cell) {
  const QString place = cell.head < 0
                            ? EffectCanvas::tr("layer %1").arg(cell.layer + 1)
                            : EffectCanvas::tr("layer %1, head %2").arg(cell.layer + 1).arg(cell.head + 1);
  const QString sign = cell.change > 0 ? QStringLiteral("+") : QString();
  const QString answer =
      cell.answer_changed ? EffectCanvas::tr("another answer") : EffectCanvas::tr("the same answer");
  return EffectCanvas::tr("%1, %2, %3: the expected answer's loss %4%5 nats, perplexity %6, %7, %8")
      .arg(place, siteWords(cell.site), pickWords(cell.pick), sign, numberWords(cell.change),
           cell.perplexity ? numberWords(*cell.perplexity) : QStringLiteral("–"), answer,
           counted(cell.replaced, EffectCanvas::tr("1 column replaced"),
                   EffectCanvas::tr("%1 columns replaced")));
}

EffectCanvas::EffectCanvas(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setAccessibleName(tr("Effect of every layer on the answer"));
}

void EffectCanvas::setCells(int layers, int heads, std::vector<EffectCell> cells) {
  layers_ = layers;
  heads_ = heads;
  cells_ = std::move(cells);
  most_ = 0;
  for (const EffectCell& cell : cells_) {
    // As the maps hold it: the strongest cell is the end of the scale, not beyond it.
    const auto change = static_cast<double>(static_cast<float>(cell.change));
    if (std::isfinite(change)) most_ = std::max(most_, std::abs(change));
  }
  panels_.clear();
  for (const EffectSite site : sites) {
    for (const EffectPick pick : picks) {
      std::vector<float> values(static_cast<std::size_t>(layers * heads),
                                std::numeric_limits<float>::quiet_NaN());
      for (const EffectCell& cell : cells_) {
        if (cell.site == site && cell.pick == pick)
          values[static_cast<std::size_t>(std::max(0, cell.head) * layers + cell.layer)] =
              static_cast<float>(cell.change);
      }
      panels_.push_back({site, pick, Heatmap(heads, layers, std::move(values)), {}});
    }
  }
  update();
}

void EffectCanvas::layOut() {
  const PlotStyle style = PlotStyle::of(*this);
  const TextMetrics small = style.metrics(style.small);
  const double unit = style.unit, line = small.height();
  const double left = small.horizontalAdvance(QStringLiteral("Q+K")) + 12 * unit, right = 74 * unit;
  const double top = line + 8 * unit, bottom = 2 * line + 6 * unit, gap = 12 * unit;
  const double wide = (width() - left - right - 2 * gap) / 3, high = (height() - top - bottom - 2 * gap) / 3;
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    const auto row = static_cast<double>(i / picks.size()), column = static_cast<double>(i % picks.size());
    panels_[i].grid = {QRectF(left + column * (wide + gap), top + row * (high + gap), wide, high),
                       QRectF(0, 0, layers_, heads_), devicePixelRatioF()};
  }
  bar_ = QRectF(width() - right + 14 * unit, top, 10 * unit, 3 * high + 2 * gap);
  bar_label_ = QRectF(width() - line - 4 * unit, top, line, bar_.height());
}

QRectF EffectCanvas::rectOf(const EffectCell& cell) const {
  const auto panel = std::ranges::find_if(
      panels_, [&](const Panel& p) { return p.site == cell.site && p.pick == cell.pick; });
  return panel == panels_.end() ? QRectF() : panel->grid.cell(std::max(0, cell.head), cell.layer);
}

void EffectCanvas::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const PlotStyle style = PlotStyle::of(*this);
  painter.fillRect(rect(), style.background);
  if (panels_.empty() || cells_.empty()) {
    paintMessage(painter, style, QRectF(rect()),
                 tr("Start asks the selected prompt again and again, with one layer disrupted at a time: its "
                    "massive values, as many of the smallest, as many at random."));
    return;
  }
  layOut();
  ColorMap colors = divergingMap({});
  colors.nan = style.surface.rgb();
  const double scale = std::max(most_, least_scale);
  // One layer that carries the answer must not flatten the others.
  const ColorNorm norm = ColorNorm::symmetric(ColorScale::SymLog, scale, least_scale);
  painter.setFont(style.small);
  const double line = style.metrics(style.small).height();
  for (Panel& panel : panels_) {
    panel.map.setColors(colors, norm);
    panel.map.paint(painter, panel.grid);
    const QRectF area = panel.grid.target;
    painter.setPen(style.line);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(area);
    painter.setPen(style.text);
    if (panel.site == sites.front())
      painter.drawText(QRectF(area.left(), area.top() - line - 4 * style.unit, area.width(), line),
                       Qt::AlignLeft | Qt::AlignVCenter, pickWords(panel.pick));
    if (panel.pick == picks.front())
      painter.drawText(QRectF(0, area.top(), area.left() - 6 * style.unit, area.height()),
                       Qt::AlignRight | Qt::AlignVCenter, siteWords(panel.site));
    if (panel.site == sites.back()) {
      const QRectF under(area.left(), area.bottom() + 3 * style.unit, area.width(), line);
      painter.setPen(style.muted);
      painter.drawText(under, Qt::AlignLeft, QStringLiteral("1"));
      painter.drawText(under, Qt::AlignHCenter, tr("layer"));
      painter.drawText(under, Qt::AlignRight, QString::number(layers_));
    }
  }
  for (const EffectCell& cell : cells_) {
    if (!cell.answer_changed) continue;
    const QRectF box = rectOf(cell);
    const double radius = std::min({box.width(), box.height(), 8 * style.unit}) / 4;
    const QColor under = panels_.front().map.color(static_cast<float>(cell.change));
    painter.setPen(Qt::NoPen);
    painter.setBrush(under.lightnessF() < 0.5 ? Qt::white : Qt::black);
    painter.drawEllipse(box.center(), radius, radius);
  }
  paintColorBar(painter, style, bar_, bar_label_,
                {tr("change of the expected answer's loss, nats"), colors, norm, {}});
}

const EffectCell* EffectCanvas::cellAt(const QPointF& at) const {
  const auto found =
      std::ranges::find_if(cells_, [&](const EffectCell& cell) { return rectOf(cell).contains(at); });
  return found == cells_.end() ? nullptr : &*found;
}

void EffectCanvas::mouseMoveEvent(QMouseEvent* event) {
  const EffectCell* cell = cellAt(event->position());
  setCursor(cell ? Qt::PointingHandCursor : Qt::ArrowCursor);
  Q_EMIT hovered(cell ? effectWords(*cell) : QString());
}

void EffectCanvas::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return QWidget::mousePressEvent(event);
  if (const EffectCell* cell = cellAt(event->position())) Q_EMIT cellChosen(EffectCell(*cell));
}

void EffectCanvas::leaveEvent(QEvent*) {
  Q_EMIT hovered({});
}

}  // namespace qkscope
