#include "views/prompt_card.h"

#include <QContextMenuEvent>
#include <QGridLayout>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QScrollArea>
#include <QScrollBar>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "views/arm_row.h"
#include "views/counted.h"
#include "views/plot_style.h"
#include "views/prompt_bars.h"
#include "views/styled_label.h"
#include "views/token_strip.h"
#include "views/token_tint.h"

namespace qkscope {

namespace {

// Of a text whose tokens are not known; more would not be seen.
constexpr qsizetype kLongestUnread = 2000;

Tone kindTone(PromptKind kind) {
  switch (kind) {
    case PromptKind::Context:
      return Tone::Context;
    case PromptKind::Memory:
      return Tone::Memory;
    case PromptKind::Free:
      break;
  }
  return Tone::Text;
}

/// Two lines of tokens at most, from the user's first one on; the rest is scrolled to.
class StripArea : public QScrollArea {
 public:
  StripArea(TokenStrip* strip, QWidget* parent) : QScrollArea(parent), strip_(strip) {
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setWidgetResizable(true);
    setFocusPolicy(Qt::NoFocus);
    setWidget(strip);
    viewport()->setAutoFillBackground(false);
    strip->setAutoFillBackground(false);
    connect(strip, &TokenStrip::tokensReplaced, this, [this] {
      updateGeometry();
      // Once the strip has its new size.
      QTimer::singleShot(0, this, &StripArea::showUser);
    });
    connect(strip, &TokenStrip::revealed, this, [this](const QRect& part) {
      ensureVisible(part.center().x(), part.center().y(), 0, (part.height() + 1) / 2);
    });
  }
  int heightForWidth(int width) const override {
    const int user = strip_->heightForWidth(width) - strip_->heightOfFormat(width);
    return std::min(user, 2 * TokenStrip::lineHeight(*this));
  }
  QSize sizeHint() const override { return {400, heightForWidth(400)}; }
  QSize minimumSizeHint() const override { return {80, TokenStrip::lineHeight(*this)}; }

 protected:
  void resizeEvent(QResizeEvent* event) override {
    QScrollArea::resizeEvent(event);
    showUser();
  }

 private:
  void showUser() { verticalScrollBar()->setValue(strip_->heightOfFormat(strip_->width())); }

  TokenStrip* strip_;
};

}  // namespace

PromptCard::PromptCard(QWidget* parent)
    : QFrame(parent),
      title_(new StyledLabel(Type::Strong, Tone::Text, this)),
      shown_(new StyledLabel(Type::Small, Tone::Muted, this, tr("in the pictures"))),
      size_(new StyledLabel(Type::Small, Tone::Muted, this)),
      more_(new QToolButton(this)),
      legend_(new TokenLegend(this)),
      strip_(new TokenStrip(nullptr)),
      strip_area_(new StripArea(strip_, this)),
      answer_strip_(new TokenStrip(this)),
      perplexity_title_(new StyledLabel(Type::Small, Tone::Muted, this)),
      grid_(new QGridLayout(this)) {
  setFocusPolicy(Qt::StrongFocus);
  more_->setText(QStringLiteral("…"));
  more_->setAutoRaise(true);
  more_->setProperty("role", QStringLiteral("quiet"));
  more_->setToolTip(tr("Edit or remove this prompt"));
  more_->setAccessibleName(more_->toolTip());
  connect(more_, &QToolButton::clicked, this, [this] {
    QContextMenuEvent event(QContextMenuEvent::Mouse, {}, more_->mapToGlobal(QPoint(0, more_->height())));
    contextMenuEvent(&event);
  });

  connect(strip_, &TokenStrip::positionChosen, this, [this](int position) {
    if (!selected_) Q_EMIT selected();
    Q_EMIT positionSelected(position);
  });
  for (const TokenStrip* strip : {strip_, answer_strip_})
    connect(strip, &TokenStrip::positionHovered, this, &PromptCard::positionHovered);

  strip_->setObjectName(QStringLiteral("promptTokens"));
  answer_strip_->setObjectName(QStringLiteral("answerTokens"));

  grid_->setContentsMargins(12, 7, 12, 7);
  grid_->setHorizontalSpacing(12);
  grid_->setVerticalSpacing(3);
  auto* head = new QHBoxLayout;
  head->setSpacing(8);
  head->addWidget(title_);
  head->addWidget(shown_);
  head->addStretch(1);
  head->addWidget(legend_);
  head->addWidget(size_);
  head->addWidget(more_);
  grid_->addLayout(head, 0, 0, 1, 4);
  grid_->addWidget(strip_area_, 1, 0, 1, 4);
  grid_->addWidget(answer_strip_, 2, 0, 1, 4);
  grid_->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, tr("Answer (greedy)")), 3, 1);
  grid_->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, tr("Next token")), 3, 2);
  grid_->addWidget(perplexity_title_, 3, 3);
  grid_->setColumnStretch(1, 1);
  showAll();
}

PromptCard::~PromptCard() = default;

QSize PromptCard::minimumSizeHint() const {
  const QSize least = QFrame::minimumSizeHint();
  return {std::max(least.width(), static_cast<int>(395 * PlotStyle::of(*this).unit)), least.height()};
}

QString PromptCard::kindTitle(PromptKind kind) {
  switch (kind) {
    case PromptKind::Context:
      return tr("Asks the context");
    case PromptKind::Memory:
      return tr("Asks memory");
    case PromptKind::Free:
      break;
  }
  return tr("Own prompt");
}

void PromptCard::setPrompt(const Prompt& prompt, const PromptResult& result) {
  prompt_ = prompt;
  result_ = result;
  showAll();
}

void PromptCard::setSelected(bool selected) {
  selected_ = selected;
  shown_->setVisible(selected);
  update();
}

void PromptCard::setPositions(int selected, int hovered) {
  strip_->setSelectedPosition(selected_ ? selected : -1);
  strip_->setHoveredPosition(selected_ ? hovered : -1);
}

void PromptCard::setArms(const Arms& arms) {
  if (arms == arms_ && rows_.size() == arms.list.size() + 1) return;
  arms_ = arms;
  showRows();
}

void PromptCard::showAll() {
  title_->setText(kindTitle(prompt_.kind));
  title_->setTone(kindTone(prompt_.kind));
  shown_->setVisible(selected_);
  perplexity_title_->setToolTip(
      (prompt_.expected.isEmpty() ? QString() : tr("Expected: %1").arg(prompt_.expected) + u'\n') +
      tr("A bar is as high as the square root of its token's loss, on one scale for all rows of the card: "
         "the "
         "losses of an arm that is lost do not flatten the others. Hover tells token and nats."));

  const QString count = tokensWords(result_.pieces.size());
  size_->setText(result_.pieces.isEmpty() ? QString() : QStringLiteral("%1 · %2").arg(count, result_.format));
  size_->setToolTip(result_.format_reason.isEmpty() ? tr("Chat format: %1").arg(result_.format)
                                                    : tr("Passed raw: %1").arg(result_.format_reason));
  showRows();
  setAccessibleName(tr("%1: %2").arg(kindTitle(prompt_.kind), prompt_.text));
}

void PromptCard::setTokenColors(TokenColors colors) {
  legend_->setColors(colors);
  strip_->setColors(colors);
  answer_strip_->setColors(colors);
  showTokens();
}

void PromptCard::showTokens() {
  const auto shown = static_cast<std::size_t>(arms_.chosen);
  const ArmResult* arm = shown < result_.arms.size() ? &result_.arms[shown] : nullptr;
  if (result_.pieces.isEmpty()) {
    strip_->setText(prompt_.text.left(kLongestUnread));
  } else {
    // The first token of a text has no loss.
    strip_->setTokens(result_.pieces, result_.user_begin, result_.user_end,
                      {result_.baseline.prompt_scores, arm ? arm->prompt_scores : nullptr, 1});
  }
  const auto scores = [](const ArmResult* of) {
    return of && of->run && !of->status.earlier ? of->run->continuation_scores : nullptr;
  };
  const bool told = !legend_->isHidden() && scores(&result_.baseline);
  answer_strip_->setVisible(told);
  if (told) {
    answer_strip_->setAnswer(result_.baseline.run->continuation_pieces,
                             static_cast<int>(result_.pieces.size()),
                             {scores(&result_.baseline), scores(arm), 0});
  }
}

void PromptCard::showRows() {
  showTokens();
  const std::size_t count = arms_.list.size() + 1;
  while (rows_.size() > count) rows_.pop_back();
  while (rows_.size() < count) {
    const int line = 4 + 2 * static_cast<int>(rows_.size());
    rows_.push_back(
        std::make_unique<ArmRow>(grid_, line, rows_.empty() ? Arm::Baseline : Arm::Disrupted, this));
  }
  std::vector<const std::vector<float>*> losses;
  const auto add = [&losses](const ArmResult& arm) {
    if (arm.run && arm.run->continuation) losses.push_back(&arm.run->continuation->nll);
  };
  add(result_.baseline);
  std::ranges::for_each(result_.arms, add);
  const double loss_scale = LossBars::scaleFor(losses);
  perplexity_title_->setText(
      (prompt_.expected.isEmpty() ? tr("Perplexity, baseline's answer") : tr("Perplexity, expected answer")) +
      (losses.empty() ? QString() : u'\n' + tr("bars: √ loss, full %1 nats").arg(loss_scale)));
  const bool many = count > 2;
  const int most_tokens = many ? 2 : 3;
  rows_[0]->show({tr("baseline")}, result_, result_.baseline, loss_scale, most_tokens);
  for (std::size_t i = 0; i < arms_.list.size(); ++i) {
    const EditArm& arm = arms_.list[i];
    const bool is_shown = static_cast<int>(i) == arms_.chosen;
    const QString words = many || !arm.name.isEmpty() ? armWords(arm) : tr("disrupted");
    rows_[i + 1]->show({words, many && is_shown, !is_shown}, result_,
                       i < result_.arms.size() ? result_.arms[i] : ArmResult(), loss_scale, most_tokens);
  }
  update();
}

int PromptCard::armAt(const QPoint& at) const {
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    if (rows_[i]->area().contains(at)) return static_cast<int>(i) - 1;
  }
  return -1;
}

void PromptCard::mousePressEvent(QMouseEvent* event) {
  QFrame::mousePressEvent(event);
  Q_EMIT selected();
  if (const int arm = armAt(event->pos()); arm >= 0) Q_EMIT armChosen(arm);
}

void PromptCard::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
      Q_EMIT selected();
      return;
    case Qt::Key_Space:
      // Of the one that is selected already the window makes something else of it.
      if (selected_) return QFrame::keyPressEvent(event);
      Q_EMIT selected();
      return;
    case Qt::Key_F2:
      Q_EMIT editRequested();
      return;
    case Qt::Key_Delete:
      Q_EMIT removeRequested();
      return;
    default:
      QFrame::keyPressEvent(event);
  }
}

void PromptCard::contextMenuEvent(QContextMenuEvent* event) {
  const bool on_arm = event->reason() == QContextMenuEvent::Mouse && armAt(event->pos()) >= 0;
  if (on_arm) return Q_EMIT armMenuRequested(event->globalPos());  // chosen by the press
  QMenu menu(this);
  menu.addAction(tr("Show in the pictures"), this, &PromptCard::selected);
  menu.addAction(tr("Edit …\tF2"), this, &PromptCard::editRequested);
  menu.addAction(tr("Remove\tDel"), this, &PromptCard::removeRequested);
  menu.exec(event->globalPos());
}

void PromptCard::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const PlotStyle style = PlotStyle::of(*this);
  painter.setPen(QPen(selected_ ? style.accent : style.line, selected_ ? 1.6 : 1.0));
  painter.setBrush(style.background);
  painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 7, 7);
  const auto shown = static_cast<std::size_t>(arms_.chosen) + 1;
  if (rows_.size() < 3 || shown >= rows_.size()) return;
  QColor tint = style.disrupted;
  tint.setAlpha(style.dark ? 42 : 22);
  painter.setPen(Qt::NoPen);
  painter.setBrush(tint);
  painter.drawRoundedRect(QRectF(rows_[shown]->area()).adjusted(-5, 2, 5, 1), 4, 4);
}

}  // namespace qkscope
