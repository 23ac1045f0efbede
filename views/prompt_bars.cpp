#include "views/prompt_bars.h"

#include <QEvent>
#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "views/plot_style.h"
#include "views/shown.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

const QColor& armColor(const PlotStyle& style, Arm arm) {
  return arm == Arm::Baseline ? style.baseline : style.disrupted;
}

}  // namespace

void NextTokenBars::setTokens(std::vector<NextToken> tokens, Arm arm, int most) {
  if (tokens == tokens_ && arm == arm_ && most == most_) return;
  tokens_ = std::move(tokens);
  arm_ = arm;
  most_ = most;
  QStringList words;
  for (const NextToken& token : tokens_) {
    words << QStringLiteral("%1 %2 %").arg(visibleToken(token.text)).arg(100 * token.probability, 0, 'f', 1);
  }
  setAccessibleName(words.join(QStringLiteral(", ")));
  setToolTip(toolTipText(words.join(u'\n')));
  updateGeometry();
  update();
}

QSize NextTokenBars::sizeHint() const {
  const PlotStyle style = PlotStyle::of(*this);
  const double line = style.metrics(style.small).height() + 1;
  return {static_cast<int>(128 * style.unit), static_cast<int>(std::ceil(line * most_))};
}

void NextTokenBars::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const PlotStyle style = PlotStyle::of(*this);
  QFont mono = style.mono;
  mono.setPointSizeF(style.small.pointSizeF());
  const double line = style.metrics(style.small).height() + 1;
  const double word_width = 44 * style.unit;
  const double bar_room = width() - word_width - 40 * style.unit;
  double y = 0;
  for (std::size_t i = 0; i < std::min(tokens_.size(), static_cast<std::size_t>(most_)); ++i) {
    painter.setFont(mono);
    painter.setPen(style.text);
    const QString word =
        style.metrics(mono).elidedText(visibleToken(tokens_[i].text), Qt::ElideRight, word_width - 4);
    painter.drawText(QRectF(0, y, word_width, line), Qt::AlignVCenter | Qt::AlignLeft, word);
    const double bar = std::max(2.0, bar_room * tokens_[i].probability);
    painter.setPen(Qt::NoPen);
    painter.setBrush(armColor(style, arm_));
    const double thick = 0.5 * line;
    painter.drawRoundedRect(QRectF(word_width, y + (line - thick) / 2, bar, thick), 2, 2);
    painter.setFont(style.small);
    painter.setPen(style.muted);
    painter.drawText(QRectF(word_width + bar + 4 * style.unit, y, 40 * style.unit, line), Qt::AlignVCenter,
                     QStringLiteral("%1%").arg(100 * tokens_[i].probability, 0, 'f', 1));
    y += line;
  }
}

void LossBars::setLosses(const QStringList& pieces, std::vector<float> nll, double scale, Arm arm) {
  setVisible(!nll.empty());
  if (pieces == pieces_ && nll == nll_ && scale == scale_ && arm == arm_) return;
  pieces_ = pieces;
  nll_ = std::move(nll);
  scale_ = scale;
  arm_ = arm;
  setAccessibleName(tr("Loss of each token of the continuation"));
  updateGeometry();
  update();
}

QSize LossBars::sizeHint() const {
  const double unit = PlotStyle::of(*this).unit;
  const double wide = std::clamp(7.0 * static_cast<double>(nll_.size()), 20.0, 150.0);
  return {static_cast<int>(wide * unit), static_cast<int>(17 * unit)};
}

double LossBars::scaleFor(const std::vector<const std::vector<float>*>& losses) {
  double scale = 3.0;
  for (const std::vector<float>* row : losses) {
    for (const float nll : *row) {
      if (std::isfinite(nll)) scale = std::max(scale, std::ceil(static_cast<double>(nll)));
    }
  }
  return scale;
}

double LossBars::part(double nll, double scale) {
  return std::sqrt(std::clamp(nll / scale, 0.0, 1.0));
}

QSize LossBars::minimumSizeHint() const {
  return {20, sizeHint().height()};
}

double LossBars::step() const {
  if (nll_.empty()) return 1;
  return std::min(7.0 * PlotStyle::of(*this).unit,
                  static_cast<double>(width()) / static_cast<double>(nll_.size()));
}

void LossBars::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const PlotStyle style = PlotStyle::of(*this);
  const double wide = step();
  const double ground = height() - 1.0;
  painter.fillRect(QRectF(0, ground, wide * static_cast<double>(nll_.size()), 1), style.line);
  for (std::size_t i = 0; i < nll_.size(); ++i) {
    const bool finite = std::isfinite(nll_[i]);
    const double bar = finite ? std::max(1.0, ground * part(nll_[i], scale_)) : ground;
    painter.fillRect(QRectF(static_cast<double>(i) * wide, ground - bar, std::max(1.0, wide - 1), bar),
                     QBrush(armColor(style, arm_), finite ? Qt::SolidPattern : Qt::Dense5Pattern));
  }
}

bool LossBars::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const auto i = static_cast<std::size_t>(std::max(0.0, help->pos().x() / step()));
  if (i < nll_.size()) {
    const QString piece =
        i < static_cast<std::size_t>(pieces_.size()) ? pieces_[static_cast<int>(i)] : QString();
    QToolTip::showText(
        help->globalPos(),
        toolTipText(
            tr("\"%1\": %2 nats").arg(visibleToken(piece), numberWords(static_cast<double>(nll_[i])))),
        this);
  }
  return true;
}

}  // namespace qkscope
