#include "views/color_bar.h"

#include <QLocale>
#include <algorithm>
#include <cmath>

#include "views/ticks.h"

namespace qkscope {

namespace {

/// Four digits, but whole where a power of ten would be longer: "24,926".
QString tickWords(double value) {
  const bool whole = std::abs(value) >= 1e4 && std::abs(value) < 1e6;
  return whole ? QLocale().toString(value, 'f', 0) : QLocale().toString(value, 'g', 4);
}

}  // namespace

void paintMessage(QPainter& painter, const PlotStyle& style, const QRectF& area, const QString& message) {
  painter.save();
  painter.setFont(style.normal);
  painter.setPen(style.muted);
  painter.drawText(area.adjusted(8 * style.unit, 0, -8 * style.unit, 0), Qt::AlignCenter | Qt::TextWordWrap,
                   message);
  painter.restore();
}

void paintColorBar(QPainter& painter, const PlotStyle& style, const QRectF& bar, const QRectF& label,
                   const MapColorBar& colors) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small);
  painter.save();
  const double first = std::clamp(colors.norm(colors.from), 0.0, 0.99);
  QImage gradient(1, 256, QImage::Format_RGB32);
  for (int i = 0; i < 256; ++i) gradient.setPixel(0, 255 - i, colors.map.at(first + (1 - first) * i / 255.0));
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter.setRenderHint(QPainter::LosslessImageRendering);
  painter.drawImage(bar, gradient);

  // Clipped cells: pointed ends in their colours.
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  const double tip = std::min(9 * u, bar.width() * 0.8);
  if (colors.counts.over > 0) {
    painter.setBrush(QColor(colors.map.over));
    painter.drawPolygon(QPolygonF{bar.topLeft() - QPointF(0, u), bar.topRight() - QPointF(0, u),
                                  QPointF(bar.center().x(), bar.top() - u - tip)});
  }
  if (colors.counts.under > 0) {
    painter.setBrush(QColor(colors.map.under));
    painter.drawPolygon(QPolygonF{bar.bottomLeft() + QPointF(0, u), bar.bottomRight() + QPointF(0, u),
                                  QPointF(bar.center().x(), bar.bottom() + u + tip)});
  }
  painter.setRenderHint(QPainter::Antialiasing, false);

  painter.setFont(style.small);
  const auto yOf = [&](double value) {
    const double t = (std::clamp(colors.norm(value), 0.0, 1.0) - first) / (1 - first);
    return bar.bottom() - t * bar.height();
  };
  std::vector<double> labels{colors.norm.high, colors.from};  // the ends always
  const int count = std::max(1, static_cast<int>(bar.height() / (small.height() * 2.6)));
  for (const double tick : ticks(colors.norm, count)) {
    if (tick < colors.from) continue;
    const bool free = std::none_of(labels.begin(), labels.end(), [&](double other) {
      return std::abs(yOf(other) - yOf(tick)) < small.height() * 1.05;
    });
    if (free) labels.push_back(tick);
  }
  if (bar.height() < small.height() * 1.1) labels.resize(1);
  for (const double value : labels) {
    const double y = yOf(value);
    painter.setPen(style.muted);
    painter.fillRect(QRectF(bar.right(), y - u / 2, 3 * u, u), style.muted);
    painter.drawText(QRectF(bar.right() + 5 * u, y - small.height() / 2, 80 * u, small.height()),
                     Qt::AlignLeft | Qt::AlignVCenter,
                     tickWords(std::abs(value) < colors.norm.high * 1e-9 ? 0.0 : value));
  }
  if (label.height() > 0) {
    painter.setPen(style.text);
    painter.translate(label.center());
    painter.rotate(90);
    const QRectF turned(-label.height() / 2, -label.width() / 2, label.height(), label.width());
    // Without the words in brackets where the bar is short.
    const bool fits = small.horizontalAdvance(colors.label) < turned.width();
    const QString words = fits ? colors.label : colors.label.section(QStringLiteral(" ("), 0, 0);
    painter.drawText(turned, Qt::AlignCenter, small.elidedText(words, Qt::ElideRight, turned.width()));
  }
  painter.restore();
}

}  // namespace qkscope
