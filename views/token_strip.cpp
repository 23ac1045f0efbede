#include "views/token_strip.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "views/plot_style.h"
#include "views/shown.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

constexpr double kLossHeight = 5;  // px at the standard size of type

/// Blanks and what stands between them, in order: letters are drawn together, so that those of more than one
/// code unit, and marks over them, stay whole.
QStringList runsOf(const QString& visible) {
  QStringList runs;
  for (const QChar letter : visible) {
    const bool blank = letter == visible_blank;
    if (runs.isEmpty() || (runs.back().front() == visible_blank) != blank) runs << QString();
    runs.back() += letter;
  }
  return runs;
}

}  // namespace

TokenStrip::TokenStrip(QWidget* parent) : QWidget(parent) {
  QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Tokens of the prompt"));
}

void TokenStrip::replace(const QStringList& pieces) {
  if (pieces == pieces_) return;
  pieces_ = pieces;
  visible_.clear();
  for (const QString& piece : pieces_) visible_ << visibleToken(piece);
  drawn_.clear();
  setAccessibleDescription(pieces_.join(QString()));
  updateGeometry();
  Q_EMIT tokensReplaced();
}

void TokenStrip::setTokens(const QStringList& pieces, int user_begin, int user_end, StripScores scores) {
  const int count = static_cast<int>(pieces.size());
  user_begin = std::clamp(user_begin, 0, count);
  user_end = std::clamp(user_end, user_begin, count);
  if (are_tokens_ && user_begin == user_begin_ && user_end == user_end_ && scores == scores_ &&
      pieces == pieces_)
    return;
  user_begin_ = user_begin;
  user_end_ = user_end;
  are_tokens_ = true;
  scores_ = std::move(scores);
  replace(pieces);
  update();
}

void TokenStrip::setAnswer(const QStringList& pieces, int position, StripScores scores) {
  is_answer_ = true;
  first_position_ = position;
  setFocusPolicy(Qt::NoFocus);
  setAccessibleName(tr("Tokens of the answer that is scored"));
  setTokens(pieces, 0, static_cast<int>(pieces.size()), std::move(scores));
}

void TokenStrip::setColors(TokenColors colors) {
  if (colors == colors_) return;
  colors_ = colors;
  update();
}

void TokenStrip::setText(const QString& text) {
  const QStringList pieces = text.isEmpty() ? QStringList() : QStringList(text);
  user_begin_ = 0;
  user_end_ = static_cast<int>(pieces.size());
  are_tokens_ = false;
  scores_ = {};
  replace(pieces);
  update();
}

void TokenStrip::setSelectedPosition(int position) {
  if (position == selected_) return;
  selected_ = position;
  if (position >= 0 && position < pieces_.size()) Q_EMIT revealed(cell(position));
  update();
}

void TokenStrip::setHoveredPosition(int position) {
  if (position == hovered_) return;
  hovered_ = position;
  if (position >= 0 && position < pieces_.size()) Q_EMIT revealed(cell(position));
  update();
}

int TokenStrip::lineHeight(const QWidget& widget) {
  const PlotStyle style = PlotStyle::of(widget);
  return static_cast<int>(std::ceil(style.metrics(style.mono).height() + (kLossHeight + 3) * style.unit));
}

const std::vector<TokenStrip::Drawn>& TokenStrip::drawn() const {
  const PlotStyle style = PlotStyle::of(*this);
  if (static_cast<qsizetype>(drawn_.size()) == visible_.size() && drawn_in_ == style.mono) return drawn_;
  drawn_in_ = style.mono;
  drawn_.clear();
  const TextMetrics metrics = style.metrics(style.mono);
  for (const QString& visible : visible_) {
    Drawn token;
    for (const QString& run : runsOf(visible)) {
      token.runs.emplace_back(run, metrics.horizontalAdvance(run));
      token.width += token.runs.back().second;
    }
    // A token of nothing that can be seen is still there, and can be pointed at.
    token.width = std::max(token.width, metrics.horizontalAdvance(visible_blank));
    drawn_.push_back(std::move(token));
  }
  return drawn_;
}

std::vector<QRectF> TokenStrip::layOut(int width) const {
  const double unit = PlotStyle::of(*this).unit;
  const double height = lineHeight(*this);
  std::vector<QRectF> cells;
  double x = 0, y = 0;
  for (const Drawn& token : drawn()) {
    const double advance = token.width + unit;
    if (x > 0 && (x + advance > width || std::ssize(cells) == user_begin_)) {
      x = 0;
      y += height;
    }
    cells.emplace_back(x, y, advance, height);
    x += advance;
  }
  return cells;
}

int TokenStrip::heightForWidth(int width) const {
  const std::vector<QRectF> cells = layOut(width);
  return cells.empty() ? lineHeight(*this) : static_cast<int>(std::ceil(cells.back().bottom()));
}

int TokenStrip::heightOfFormat(int width) const {
  const std::vector<QRectF> cells = layOut(width);
  const auto first = static_cast<std::size_t>(user_begin_);
  return first < cells.size() ? static_cast<int>(cells[first].top()) : 0;
}

QSize TokenStrip::sizeHint() const {
  return {400, heightForWidth(400)};
}
QSize TokenStrip::minimumSizeHint() const {
  return {80, lineHeight(*this)};
}

QRect TokenStrip::cell(int position) const {
  const std::vector<QRectF> cells = layOut(width());
  const auto index = static_cast<std::size_t>(position);
  return position >= 0 && index < cells.size() ? cells[index].toAlignedRect() : QRect();
}

int TokenStrip::tokenAt(const QPoint& at) const {
  const std::vector<QRectF> cells = layOut(width());
  const auto found =
      std::find_if(cells.begin(), cells.end(), [&](const QRectF& box) { return box.contains(at); });
  return are_tokens_ && found != cells.end() ? static_cast<int>(found - cells.begin()) : -1;
}

TokenLoss TokenStrip::lossOf(int token) const {
  const auto of = [&](const std::shared_ptr<const TokenScores>& scores) -> std::optional<double> {
    const auto index = static_cast<std::size_t>(token - scores_.first);
    if (!scores || token < scores_.first || index >= scores->nll.size()) return {};
    return scores->nll[index];
  };
  return {of(scores_.baseline), of(scores_.disrupted)};
}

QString TokenStrip::words(int token) const {
  QString text = tr("position %1 “%2”").arg(QString::number(first_position_ + token), visible_[token]);
  if (is_answer_) text += tr(" · answer");
  if (isFormat(token)) text += tr(" · chat format");
  const auto share = [](double nats) { return percentWords(std::exp(-nats)); };
  const auto [baseline, disrupted] = lossOf(token);
  if (baseline) {
    text +=
        tr(" · loss %1 nats: the model gave it a share of %2").arg(numberWords(*baseline), share(*baseline));
  }
  if (disrupted) text += tr(" · disrupted %1 nats, %2").arg(numberWords(*disrupted), share(*disrupted));
  return text;
}

QString TokenStrip::tipWords(int token) const {
  QStringList lines{words(token)};
  const auto add = [&](const QString& run, const std::shared_ptr<const TokenScores>& scores) {
    const auto index = static_cast<std::size_t>(token - scores_.first);
    if (!scores || token < scores_.first || index >= scores->likely.size()) return;
    QStringList likely;
    for (const NextToken& next : scores->likely[index])
      likely << QStringLiteral("“%1” %2").arg(visibleToken(next.text), percentWords(next.probability));
    lines << tr("%1, in its place: %2").arg(run, likely.join(QStringLiteral(", ")));
  };
  add(tr("baseline"), scores_.baseline);
  add(tr("disrupted"), scores_.disrupted);
  return lines.join(u'\n');
}

void TokenStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const PlotStyle style = PlotStyle::of(*this);
  painter.setFont(style.mono);
  const TextMetrics metrics = style.metrics(style.mono);
  const double full = kLossHeight * style.unit;
  const std::vector<QRectF> cells = layOut(width());
  const std::vector<Drawn>& drawn = this->drawn();
  for (int token = 0; token < visible_.size(); ++token) {
    const auto index = static_cast<std::size_t>(token);
    // Blanks step back behind the letters; alternating grounds keep neighbours apart.
    const QRectF ground = cells[index].adjusted(0, 0, -style.unit, -3 * style.unit);
    if (token % 2 == 0) painter.fillRect(ground, style.surface);
    const TokenLoss loss = lossOf(token);
    const std::optional<double> told = loss.value(colors_);
    const QColor tint = tokenTint(style, colors_, told);
    painter.fillRect(ground, tint);
    if (token == selected_ && are_tokens_) {
      QColor tint = style.accent;
      tint.setAlpha(60);
      painter.fillRect(ground, tint);
    }
    double x = ground.left();
    for (const auto& [run, advance] : drawn[index].runs) {
      const bool pale = tint.alphaF() < 0.2f && (isFormat(token) || run.front() == visible_blank);
      painter.setPen(pale ? style.muted : style.text);
      painter.drawText(QPointF(x, ground.top() + metrics.ascent()), run);
      x += advance;
    }
    // Never colour alone. Plain tokens have the baseline's bars.
    const TokenColors bars = colors_ == TokenColors::None ? TokenColors::Baseline : colors_;
    if (const auto value = loss.value(bars); value && !std::isnan(*value)) {
      const double part = std::clamp(std::abs(*value) / tokenScaleHigh(bars), 0.0, 1.0);
      const double bar = std::max(0.5 * style.unit, part * full);
      QColor color = tokenTint(style, bars, value);
      color.setAlpha(255);
      painter.fillRect(QRectF(ground.left(), ground.bottom() - bar, ground.width(), bar), color);
    }
    const bool selected = token == selected_ && are_tokens_;
    if (selected || (token == hovered_ && are_tokens_)) {
      painter.setPen(QPen(selected ? style.accent : style.muted, 1.5 * style.unit));
      painter.drawRect(ground.adjusted(0.5, 0.5, -0.5, -0.5));
    }
  }
  // At the edge, where scrolling leaves it whole.
  if (hasFocus()) painter.fillRect(QRectF(0, 0, 2 * style.unit, height()), style.accent);
}

bool TokenStrip::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  if (const int token = tokenAt(help->pos()); token >= 0) {
    QToolTip::showText(help->globalPos(), toolTipText(tipWords(token)), this, cell(token));
  } else {
    QToolTip::hideText();
  }
  return true;
}

void TokenStrip::mousePressEvent(QMouseEvent* event) {
  const int token = event->button() == Qt::LeftButton ? tokenAt(event->position().toPoint()) : -1;
  if (token < 0 || is_answer_) return QWidget::mousePressEvent(event);  // to the card
  Q_EMIT positionChosen(token);
}

void TokenStrip::mouseMoveEvent(QMouseEvent* event) {
  const int token = tokenAt(event->position().toPoint());
  // Positions of an answer are in no picture.
  Q_EMIT positionHovered(is_answer_ ? -1 : token, token >= 0 ? words(token) : QString());
}

void TokenStrip::leaveEvent(QEvent*) {
  Q_EMIT positionHovered(-1, QString());
}

void TokenStrip::keyPressEvent(QKeyEvent* event) {
  const std::vector<QRectF> cells = layOut(width());
  const int last = static_cast<int>(cells.size()) - 1;
  const bool walks = event->key() == Qt::Key_Left || event->key() == Qt::Key_Right ||
                     event->key() == Qt::Key_Up || event->key() == Qt::Key_Down ||
                     event->key() == Qt::Key_Home || event->key() == Qt::Key_End;
  if (!are_tokens_ || is_answer_ || last < 0 || !walks) return QWidget::keyPressEvent(event);
  // The first key shows where the walk begins.
  if (selected_ < 0 || selected_ > last) {
    Q_EMIT positionChosen(std::min(user_begin_, last));
    return;
  }
  int next = selected_;
  const QRectF here = cells[static_cast<std::size_t>(selected_)];
  switch (event->key()) {
    case Qt::Key_Left:
      --next;
      break;
    case Qt::Key_Right:
      ++next;
      break;
    case Qt::Key_Home:
      next = 0;
      break;
    case Qt::Key_End:
      next = last;
      break;
    default: {
      const double way = event->key() == Qt::Key_Up ? -here.height() : here.height();
      if (const int over = tokenAt((here.center() + QPointF(0, way)).toPoint()); over >= 0) next = over;
    }
  }
  Q_EMIT positionChosen(std::clamp(next, 0, last));
}

}  // namespace qkscope
