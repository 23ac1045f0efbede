#include "views/curve_items.h"

#include <algorithm>
#include <cmath>

namespace qkscope {

NamedBars::NamedBars(QCPAxis* x, QCPAxis* y, const QFont& font, const QColor& letters)
    : QCPBars(x, y), font_(font), letters_(letters) {}

void NamedBars::draw(QCPPainter* painter) {
  QCPBars::draw(painter);
  painter->setFont(font_);
  painter->setPen(letters_);
  const QFontMetricsF metrics(font_);
  for (const QCPBarsData& bar : *data()) {
    const QRectF rect = getBarRect(bar.key, bar.value).normalized();
    if (rect.height() <= metrics.height() || rect.width() <= metrics.horizontalAdvance(name())) continue;
    painter->drawText(rect, Qt::AlignHCenter | Qt::AlignBottom, name());
  }
}

IntervalGraph::IntervalGraph(QCPAxis* x, QCPAxis* y, const Curve& curve)
    : QCPGraph(x, y), x_(curve.x), low_(curve.low), high_(curve.high) {}

QCPRange IntervalGraph::getValueRange(bool& found, QCP::SignDomain domain, const QCPRange& keys) const {
  QCPRange range = QCPGraph::getValueRange(found, domain, keys);
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (!std::isnan(low_[i])) range.expand(QCPRange(low_[i], high_[i]));
  }
  return range;
}

void IntervalGraph::draw(QCPPainter* painter) {
  QPen thin = pen();
  thin.setStyle(Qt::SolidLine);
  thin.setWidthF(std::max(1.0, 0.6 * pen().widthF()));
  painter->setPen(thin);
  const double half = 2.5 * pen().widthF();
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (std::isnan(low_[i])) continue;
    const QPointF low = coordsToPixels(x_[i], low_[i]), high = coordsToPixels(x_[i], high_[i]);
    const QPointF side(half, 0);
    painter->drawLine(QLineF(low, high));
    for (const QPointF& end : {low, high}) painter->drawLine(QLineF(end - side, end + side));
  }
  QCPGraph::draw(painter);
}

WrappedWords::WrappedWords(QCPAxisRect* rect, const QString& words, const QFont& font, const QColor& color)
    : QCPAbstractItem(rect->parentPlot()), words_(words), font_(font), color_(color) {
  setClipAxisRect(rect);
  // By its positions an axis rect knows what it holds.
  QCPItemPosition* place = createPosition(QStringLiteral("place"));
  place->setAxes(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft));
  place->setAxisRect(rect);
}

void WrappedWords::draw(QCPPainter* painter) {
  painter->setFont(font_);
  painter->setPen(color_);
  painter->drawText(clipAxisRect()->rect(), Qt::AlignCenter | Qt::TextWordWrap, words_);
}

}  // namespace qkscope
