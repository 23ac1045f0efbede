#include "views/curve_items.h"

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
