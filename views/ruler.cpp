#include "views/ruler.h"

#include <QLocale>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "views/counted.h"
#include "views/shown.h"

namespace qkscope {

namespace {

/// Whether a dim turns: some do not rotate, and some have a partner and stand still.
bool turns(const FrequencyAxis& axis, int dim) {
  const auto rotary = axis.at(dim);
  return rotary && rotary->inv_freq > 0;
}

/// Height of a bar: log of the wavelength, the shortest one still visible.
class WavelengthScale {
 public:
  WavelengthScale(const FrequencyAxis& axis, const QRectF& area) : area_(area) {
    std::vector<double> turning = axis.inv_freq();
    std::erase(turning, 0);
    if (turning.empty()) return;
    const auto [least, most] = std::minmax_element(turning.begin(), turning.end());
    low_ = std::log(2 * std::numbers::pi / *most / 1.6);
    high_ = std::log(2 * std::numbers::pi / *least);
    if (!(high_ > low_)) high_ = low_ + 1;
  }
  double y(double wavelength) const {
    const double part = (std::log(wavelength) - low_) / (high_ - low_);
    return area_.bottom() - std::clamp(part, 0.0, 1.0) * area_.height() * 0.94;
  }
  bool shows(double wavelength) const {
    return std::log(wavelength) >= low_ && std::log(wavelength) <= high_;
  }
  /// 10, 100, 1000 ... as far as the scale goes.
  std::vector<double> decades() const {
    std::vector<double> all;
    for (int power = 1; std::pow(10.0, power) < std::exp(high_); ++power) {
      if (shows(std::pow(10.0, power))) all.push_back(std::pow(10.0, power));
    }
    return all;
  }

 private:
  QRectF area_;
  double low_ = 0, high_ = 1;
};

QRectF barOf(const QRectF& area, const CellGrid& grid, const WavelengthScale& scale,
             const FrequencyAxis& axis, int dim, double unit) {
  if (!turns(axis, dim)) return {};
  const auto rotary = axis.at(dim);
  const double left = grid.x(dim), right = grid.x(dim + 1);
  const double gap = right - left > 4 * unit ? std::max(unit, (right - left) * 0.12) : 0;
  const double top = scale.y(rotary->wavelength);
  return QRectF(QPointF(left + gap / 2, top), QPointF(right - gap / 2, area.bottom())).intersected(area);
}

QString decadeWords(double decade) {
  if (decade >= 1e6) return QString::number(decade / 1e6) + QStringLiteral("M");
  return decade >= 1e3 ? QString::number(decade / 1e3) + QStringLiteral("k") : QString::number(decade);
}

}  // namespace

QColor pairColor(const FrequencyAxis& axis, int dim, bool dark) {
  const auto rotary = axis.at(dim);
  if (!rotary) return {};
  const auto pairs = static_cast<double>(std::max<std::size_t>(2, axis.inv_freq().size()));
  const double hue = 0.06 + 0.66 * rotary->pair / (pairs - 1);
  return QColor::fromHslF(static_cast<float>(hue), 0.68f, dark ? 0.62f : 0.45f);
}

QString wavelengthWords(double positions) {
  const QLocale locale;
  if (std::isinf(positions)) return Words::tr("still");
  if (positions >= 1e6)
    return locale.toString(positions / 1e6, 'f', positions >= 1e7 ? 0 : 1) + QStringLiteral("M");
  if (positions >= 1e3)
    return locale.toString(positions / 1e3, 'f', positions >= 1e4 ? 0 : 1) + QStringLiteral("k");
  return locale.toString(positions, 'f', positions >= 10 ? 0 : 1);
}

void paintRuler(QPainter& painter, const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                const FrequencyAxis& axis, int positions, RulerText text, const QString& nothing) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small);
  painter.save();
  painter.setFont(style.small);
  if (axis.inv_freq().empty()) {
    painter.setPen(style.muted);
    painter.drawText(area, Qt::AlignCenter | Qt::TextWordWrap, nothing);
    painter.restore();
    return;
  }
  const WavelengthScale scale(axis, area);
  const int first = std::max(0, static_cast<int>(std::floor(grid.window.left())));
  const int last = std::min(axis.head_dim(), static_cast<int>(std::ceil(grid.window.right()))) - 1;

  painter.save();
  painter.setClipRect(area, Qt::IntersectClip);
  // The slower half of the pairs, run by run: two runs for rotate-half, one for interleaved pairs.
  const QColor shade(style.accent.red(), style.accent.green(), style.accent.blue(), style.dark ? 46 : 26);
  std::vector<QRectF> shaded;
  for (int dim = first; dim <= last; ++dim) {
    if (!axis.low_frequency(dim)) continue;
    int end = dim;
    while (end < last && axis.low_frequency(end + 1)) ++end;
    shaded.emplace_back(QPointF(grid.x(dim), area.top()), QPointF(grid.x(end + 1), area.bottom()));
    painter.fillRect(shaded.back(), shade);
    dim = end;
  }
  for (const double decade : scale.decades()) {
    painter.fillRect(QRectF(area.left(), scale.y(decade), area.width(), u), style.line);
  }
  for (int dim = first; dim <= last; ++dim) {
    const QRectF bar = barOf(area, grid, scale, axis, dim, u);
    if (!bar.isEmpty()) painter.fillRect(bar, pairColor(axis, dim, style.dark));
  }
  for (std::size_t run = 0; run < shaded.size() && text == RulerText::All; ++run) {
    const QString words =
        (run == 0 ? Words::tr("low-frequency half") : Words::tr("rotary partners")) + QStringLiteral(" →");
    const double width = small.horizontalAdvance(words);
    // Over the short bars before the shade, where it covers nothing.
    const double room = shaded[run].left() - (run == 0 ? area.left() : shaded[run - 1].right());
    if (width + 10 * u > room) continue;
    const QRectF place(shaded[run].left() - width - 5 * u, area.top(), width + 2 * u, small.height());
    painter.fillRect(place, style.background);
    painter.setPen(style.muted);
    painter.drawText(place, Qt::AlignCenter, words);
  }
  if (positions > 0) {
    painter.setPen(QPen(style.text, 1.2 * u, Qt::DashLine));
    const double y = scale.y(positions);
    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
  }
  // The scale is not that of dims that do not turn.
  for (int dim = first; dim <= last; ++dim) {
    if (turns(axis, dim)) continue;
    int end = dim;
    while (end < last && !turns(axis, end + 1)) ++end;
    const QRectF rest =
        QRectF(QPointF(grid.x(dim), area.top()), QPointF(grid.x(end + 1), area.bottom())).intersected(area);
    painter.fillRect(rest, style.surface);
    painter.setPen(style.muted);
    if (small.horizontalAdvance(Words::tr("not rotated")) < rest.width())
      painter.drawText(rest, Qt::AlignCenter, Words::tr("not rotated"));
    dim = end;
  }
  painter.restore();

  if (text == RulerText::None) {
    painter.restore();
    return;
  }
  painter.setPen(style.muted);
  double above = area.bottom() + small.height();
  const double label_width = small.horizontalAdvance(QStringLiteral("1000k"));
  for (const double decade : scale.decades()) {
    const double y = scale.y(decade);
    if (above - y < small.height() * 0.85 || y - small.ascent() / 2 < area.top() - 2 * u) {
      continue;
    }
    above = y;
    painter.drawText(
        QRectF(area.left() - label_width - 4 * u, y - small.height() / 2, label_width, small.height()),
        Qt::AlignRight | Qt::AlignVCenter, decadeWords(decade));
  }
  if (text == RulerText::Inside) {
    // At the left end, and the prompt's length on its line where the bars leave room.
    const QString words = Words::tr("wavelength (tokens)");
    const QRectF place(area.left() + 2 * u, area.top(), small.horizontalAdvance(words), small.height());
    painter.fillRect(place, style.background);
    painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter, words);
  }
  if (text == RulerText::All) {
    const double words_width = small.horizontalAdvance(QStringLiteral("wavelength")) + 2 * u;
    painter.drawText(
        QRectF(area.left() - label_width - 4 * u - words_width, area.top(), words_width, area.height()),
        Qt::AlignLeft | Qt::AlignVCenter, Words::tr("wavelength\n(tokens)"));
    if (positions > 0) {
      painter.setPen(style.text);
      painter.drawText(
          QRectF(area.right() + 5 * u, scale.y(positions) - small.height(), 140 * u, 2 * small.height()),
          Qt::AlignLeft | Qt::AlignVCenter, Words::tr("this prompt:\n%1").arg(tokensWords(positions)));
    }
  }
  painter.restore();
}

void paintRulerLink(QPainter& painter, const PlotStyle& style, const QRectF& area, const CellGrid& grid,
                    const FrequencyAxis& axis, int dim) {
  const auto rotary = axis.at(dim);
  if (!rotary) return;
  const WavelengthScale scale(axis, area);
  painter.save();
  painter.setClipRect(area.adjusted(-2 * style.unit, -2 * style.unit, 2 * style.unit, 2 * style.unit),
                      Qt::IntersectClip);
  painter.setPen(QPen(style.text, 1.5 * style.unit));
  painter.setBrush(Qt::NoBrush);
  for (const int linked : {dim, rotary->partner}) {
    const QRectF bar = barOf(area, grid, scale, axis, linked, style.unit);
    if (!bar.isEmpty()) painter.drawRect(bar);
  }
  painter.restore();
}

}  // namespace qkscope
