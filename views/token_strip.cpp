#include "views/token_strip.h"

#include <QEvent>
#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "views/plot_style.h"

namespace qkscope {

namespace {

constexpr double kLossHeight = 5;    // px at the standard size of type
constexpr double kLossAtFull = 8.0;  // nats of a full bar: exp(8) = one in 3000

}  // namespace

TokenStrip::TokenStrip(QWidget* parent) : QWidget(parent) {
  QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void TokenStrip::setTokens(const QStringList& pieces, std::vector<float> loss) {
  if (pieces == pieces_ && loss == loss_) return;
  pieces_ = pieces;
  loss_ = std::move(loss);
  visible_.clear();
  for (QString piece : pieces_) {
    piece.replace(u' ', QChar(0x00b7)).replace(u'\n', QChar(0x21b5)).replace(u'\t', QChar(0x2192));
    visible_ << piece;
  }
  QStringList words = pieces_;
  setAccessibleName(tr("Tokens of the prompt"));
  setAccessibleDescription(words.join(QString()));
  updateGeometry();
  update();
}

int TokenStrip::lineHeight(const QWidget& widget) {
  const PlotStyle style = PlotStyle::of(widget);
  return static_cast<int>(std::ceil(style.metrics(style.mono).height() + (kLossHeight + 3) * style.unit));
}

std::vector<TokenStrip::Cell> TokenStrip::layOut(int width) const {
  const PlotStyle style = PlotStyle::of(*this);
  const QFontMetricsF metrics = style.metrics(style.mono);
  const double height = lineHeight(*this);
  std::vector<Cell> cells;
  double x = 0, y = 0;
  for (int i = 0; i < visible_.size(); ++i) {
    const double advance = metrics.horizontalAdvance(visible_[i]) + style.unit;
    if (x > 0 && x + advance > width) {
      x = 0;
      y += height;
    }
    cells.push_back({QRectF(x, y, advance, height), i});
    x += advance;
  }
  return cells;
}

int TokenStrip::heightForWidth(int width) const {
  const std::vector<Cell> cells = layOut(width);
  return cells.empty() ? lineHeight(*this) : static_cast<int>(std::ceil(cells.back().box.bottom()));
}

QSize TokenStrip::sizeHint() const {
  return {400, heightForWidth(400)};
}
QSize TokenStrip::minimumSizeHint() const {
  return {80, lineHeight(*this)};
}

void TokenStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const PlotStyle style = PlotStyle::of(*this);
  painter.setFont(style.mono);
  const QFontMetricsF metrics = style.metrics(style.mono);
  const double full = kLossHeight * style.unit;
  for (const Cell& cell : layOut(width())) {
    // Blanks step back behind the letters; alternating grounds keep neighbours apart.
    QRectF ground = cell.box.adjusted(0, 0, -style.unit, -3 * style.unit);
    if (cell.token % 2 == 0) painter.fillRect(ground, style.surface);
    double x = cell.box.left();
    for (const QChar letter : visible_[cell.token]) {
      painter.setPen(letter == QChar(0x00b7) ? style.muted : style.text);
      painter.drawText(QPointF(x, cell.box.top() + metrics.ascent()), QString(letter));
      x += metrics.horizontalAdvance(letter);
    }
    const auto index = static_cast<std::size_t>(cell.token);
    if (index >= loss_.size() || std::isnan(loss_[index])) continue;
    const double part = std::clamp(loss_[index] / kLossAtFull, 0.0, 1.0);
    const double bar = std::max(0.5 * style.unit, part * full);
    const double bottom = ground.bottom();
    painter.fillRect(QRectF(ground.left(), bottom - bar, ground.width(), bar), style.baseline);
  }
}

bool TokenStrip::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  for (const Cell& cell : layOut(width())) {
    if (!cell.box.contains(help->pos())) continue;
    QString words = tr("token %1: \"%2\"").arg(cell.token + 1).arg(pieces_[cell.token]);
    const auto index = static_cast<std::size_t>(cell.token);
    if (index < loss_.size() && !std::isnan(loss_[index])) {
      words += tr("\nloss %1 nats: the model gave it a share of %2 %")
                   .arg(static_cast<double>(loss_[index]), 0, 'f', 3)
                   .arg(100 * std::exp(-static_cast<double>(loss_[index])), 0, 'g', 3);
    }
    QToolTip::showText(help->globalPos(), words, this);
    return true;
  }
  QToolTip::hideText();
  return true;
}

}  // namespace qkscope
