#include "views/token_tint.h"

#include <QPainter>
#include <algorithm>
#include <cmath>

namespace qkscope {

namespace {

constexpr double kFullLoss = 8, kFullChange = 4;  // nats
constexpr double kDeepest = 0.5;                  // opacity: text stays readable
constexpr double kBar = 56;                       // px of the legend at the standard size of type

}  // namespace

std::optional<double> TokenLoss::value(TokenColors colors) const {
  switch (colors) {
    case TokenColors::Baseline:
      return baseline;
    case TokenColors::Disrupted:
      return disrupted;
    case TokenColors::Change:
      return baseline && disrupted ? std::optional(*disrupted - *baseline) : std::nullopt;
    case TokenColors::None:
      break;
  }
  return {};
}

double tokenScaleLow(TokenColors colors) {
  return colors == TokenColors::Change ? -kFullChange : 0;
}

double tokenScaleHigh(TokenColors colors) {
  return colors == TokenColors::Change ? kFullChange : kFullLoss;
}

QColor tokenTint(const PlotStyle& style, TokenColors colors, std::optional<double> value) {
  if (!value || std::isnan(*value)) return Qt::transparent;
  const bool red = colors == TokenColors::Disrupted || (colors == TokenColors::Change && *value > 0);
  QColor tint = red ? style.disrupted : style.baseline;
  const double part = std::clamp(std::abs(*value) / tokenScaleHigh(colors), 0.0, 1.0);
  tint.setAlphaF(static_cast<float>(kDeepest * std::sqrt(part)));
  return tint;
}

TokenLegend::TokenLegend(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
  hide();
}

void TokenLegend::setColors(TokenColors colors) {
  colors_ = colors;
  setVisible(colors != TokenColors::None);
  const QString what = colors == TokenColors::Baseline ? tr("loss of each token in the baseline")
                       : colors == TokenColors::Disrupted
                           ? tr("loss of each token under the shown arm")
                           : tr("change of each token's loss by the shown arm");
  setAccessibleName(tr("Colors of tokens: %1, %2 to %3").arg(what, lowWords(), highWords()));
  setToolTip(
      tr("Behind the tokens: %1, deeper as its square root. View > Token colors tells another.").arg(what));
  updateGeometry();
  update();
}

QString TokenLegend::lowWords() const {
  return colors_ == TokenColors::Change ? QStringLiteral("−%1").arg(kFullChange) : QStringLiteral("0");
}

QString TokenLegend::highWords() const {
  return colors_ == TokenColors::Change ? tr("+%1 nats").arg(kFullChange) : tr("%1 nats").arg(kFullLoss);
}

QSize TokenLegend::sizeHint() const {
  const PlotStyle style = PlotStyle::of(*this);
  const TextMetrics metrics = style.metrics(style.small);
  const double words = metrics.horizontalAdvance(lowWords()) + metrics.horizontalAdvance(highWords());
  return {static_cast<int>(std::ceil(words + (kBar + 8) * style.unit)),
          static_cast<int>(std::ceil(metrics.height()))};
}

void TokenLegend::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const PlotStyle style = PlotStyle::of(*this);
  const TextMetrics metrics = style.metrics(style.small);
  painter.setFont(style.small);
  painter.setPen(style.muted);
  const double left = metrics.horizontalAdvance(lowWords()) + 4 * style.unit;
  painter.drawText(QRectF(0, 0, left, height()), Qt::AlignLeft | Qt::AlignVCenter, lowWords());
  painter.drawText(rect(), Qt::AlignRight | Qt::AlignVCenter, highWords());
  const QRectF bar(left, 0.2 * height(), kBar * style.unit, 0.6 * height());
  painter.fillRect(bar, style.surface);
  const double low = tokenScaleLow(colors_), high = tokenScaleHigh(colors_);
  for (int x = 0; x < static_cast<int>(bar.width()); ++x) {
    const double value = low + (high - low) * (x + 0.5) / bar.width();
    painter.fillRect(QRectF(bar.left() + x, bar.top(), 1, bar.height()), tokenTint(style, colors_, value));
  }
}

}  // namespace qkscope
