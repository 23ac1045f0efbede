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
#include <cmath>
#include <limits>

#include "views/counted.h"
#include "views/plot_style.h"
#include "views/prompt_bars.h"
#include "views/styled_label.h"
#include "views/token_strip.h"
#include "views/word_diff.h"

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

/// A hairline between rows. A widget of its own, so that it is where its row is, whatever moves.
class Rule : public QWidget {
 public:
  explicit Rule(QWidget* parent) : QWidget(parent) { setFixedHeight(1); }

 protected:
  void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(rect(), PlotStyle::of(*this).line); }
};

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
      strip_(new TokenStrip(nullptr)),
      strip_area_(new StripArea(strip_, this)),
      perplexity_title_(new StyledLabel(Type::Small, Tone::Muted, this)) {
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
  connect(strip_, &TokenStrip::positionHovered, this, &PromptCard::positionHovered);

  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(12, 7, 12, 7);
  grid->setHorizontalSpacing(12);
  grid->setVerticalSpacing(3);
  auto* head = new QHBoxLayout;
  head->setSpacing(8);
  head->addWidget(title_);
  head->addWidget(shown_);
  head->addStretch(1);
  head->addWidget(size_);
  head->addWidget(more_);
  grid->addLayout(head, 0, 0, 1, 4);
  grid->addWidget(strip_area_, 1, 0, 1, 4);
  grid->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, tr("Answer (greedy)")), 2, 1);
  grid->addWidget(new StyledLabel(Type::Small, Tone::Muted, this, tr("Next token")), 2, 2);
  grid->addWidget(perplexity_title_, 2, 3);
  rows_ = {makeRow(grid, 3, Arm::Baseline), makeRow(grid, 5, Arm::Disrupted)};
  grid->setColumnStretch(1, 1);
  grid->setRowStretch(4, 1);
  grid->setRowStretch(6, 1);
  showAll();
}

PromptCard::Row PromptCard::makeRow(QGridLayout* grid, int line, Arm arm) {
  const bool baseline = arm == Arm::Baseline;
  Row row{new StyledLabel(baseline ? Type::Normal : Type::Strong, Tone::Muted, this,
                          baseline ? tr("baseline") : tr("disrupted")),
          new StyledLabel(Type::Normal, Tone::Text, this), new NextTokenBars(this),
          new StyledLabel(Type::Normal, Tone::Text, this), new LossBars(this)};
  row.answer->setObjectName(baseline ? QStringLiteral("baselineAnswer") : QStringLiteral("disruptedAnswer"));
  row.answer->setWordWrap(true);
  row.answer->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  row.answer->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  auto* scores = new QVBoxLayout;
  scores->setSpacing(2);
  scores->addWidget(row.perplexity);
  scores->addWidget(row.losses);
  scores->addStretch(1);
  grid->addWidget(new Rule(this), line, 0, 1, 4);
  grid->addWidget(row.name, line + 1, 0, Qt::AlignTop);
  grid->addWidget(row.answer, line + 1, 1);
  grid->addWidget(row.next, line + 1, 2, Qt::AlignTop);
  grid->addLayout(scores, line + 1, 3);
  return row;
}

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

bool PromptCard::grows(Arm which) const {
  const ArmStatus status = result_.status(which);
  return status.state == ArmState::Running && !status.earlier;
}

void PromptCard::showAnswer(StyledLabel* label, const PromptArm& arm, Arm which, bool pale) const {
  const Tone tone = pale ? Tone::Muted : Tone::Text;
  std::vector<StyledLabel::Part> parts;
  if (arm.answer.isEmpty() && arm.complete) {
    parts.push_back({tr("nothing: the model ends at once"), Tone::Muted});
  } else if (which == Arm::Baseline || !result_.baseline) {
    parts.push_back({arm.answer, tone});
  } else {
    for (const DiffWord& word : diffWords(result_.baseline->answer, arm.answer)) {
      parts.push_back({word.blanks, tone});
      parts.push_back({word.word, word.changed ? Tone::Disrupted : tone, Type::Normal, word.changed});
    }
    if (arm.complete && arm.answer == result_.baseline->answer)
      parts.push_back({u' ' + tr("(unchanged)"), Tone::Muted});
  }
  if (grows(which)) {
    parts.push_back({QStringLiteral("▌"), Tone::Muted});
  } else {
    if (arm.complete && !arm.stopped) parts.push_back({QStringLiteral("\u00a0…"), tone});
    if (const QString words = stateWords(result_, which); !words.isEmpty())
      parts.push_back({QStringLiteral(" (%1)").arg(words), Tone::Muted});
  }
  label->setParts(std::move(parts));
  label->setAccessibleName(arm.answer);
}

void PromptCard::showPerplexity(StyledLabel* label, const PromptArm& arm, Arm which, bool pale) const {
  const Tone tone = pale ? Tone::Muted : Tone::Text;
  const std::optional<double> value = arm.continuation ? arm.continuation->value() : std::nullopt;
  if (!value) {
    label->setParts({{arm.continuation ? tr("no token to score")
                      : grows(which)   ? QStringLiteral("…")
                                       : QString(),
                      Tone::Muted}});
    return;
  }
  std::vector<StyledLabel::Part> parts{
      {QString::number(*value, 'f', *value < 100 ? 3 : 1), tone, Type::Number}};
  const PromptArm* baseline = result_.baseline ? &*result_.baseline : nullptr;
  if (which == Arm::Disrupted && baseline && baseline->continuation && baseline->continuation->value()) {
    parts.push_back({QStringLiteral("\u00a0 ×%1").arg(*value / *baseline->continuation->value(), 0, 'f', 2),
                     Tone::Muted});
  }
  label->setParts(std::move(parts));
}

void PromptCard::fillRow(const Row& row, const std::optional<PromptArm>& arm, Arm which, double loss_scale) {
  const bool pale = result_.status(which).earlier;
  row.name->setTone(which == Arm::Disrupted && arm ? Tone::Disrupted : Tone::Muted);
  row.next->setVisible(arm.has_value());
  row.perplexity->setVisible(arm.has_value());
  if (!arm) {
    row.losses->setVisible(false);
    row.answer->setParts({{stateWords(result_, which), Tone::Muted}});
    return;
  }
  showAnswer(row.answer, *arm, which, pale);
  row.next->setTokens(arm->next, which);
  showPerplexity(row.perplexity, *arm, which, pale);
  if (!arm->continuation) {
    row.losses->setVisible(false);
    return;
  }
  row.losses->setLosses(arm->continuation_pieces, arm->continuation->nll, loss_scale, which);
  const std::string_view words = definition_words(arm->continuation->definition);
  row.perplexity->setToolTip(
      (counted(static_cast<qint64>(arm->continuation->nll.size()), tr("Perplexity (a), one token scored."),
               tr("Perplexity (a), %1 tokens scored.")) +
       u'\n' + QString::fromUtf8(words.data(), static_cast<qsizetype>(words.size()))));
}

void PromptCard::showAll() {
  title_->setText(kindTitle(prompt_.kind));
  title_->setTone(kindTone(prompt_.kind));
  shown_->setVisible(selected_);
  perplexity_title_->setText(prompt_.expected.isEmpty() ? tr("Perplexity of the\nbaseline's answer")
                                                        : tr("Perplexity of the\nexpected answer"));
  perplexity_title_->setToolTip(prompt_.expected.isEmpty() ? QString()
                                                           : tr("Expected: %1").arg(prompt_.expected));

  const QString count = counted(result_.pieces.size(), tr("1 token"), tr("%1 tokens"));
  size_->setText(result_.pieces.isEmpty() ? QString() : QStringLiteral("%1 · %2").arg(count, result_.format));
  size_->setToolTip(result_.format_reason.isEmpty() ? tr("Chat format: %1").arg(result_.format)
                                                    : tr("Passed raw: %1").arg(result_.format_reason));
  std::vector<float> loss;
  if (!result_.prompt_loss.empty()) {
    // The first token of a text has no loss.
    loss = result_.prompt_loss;
    loss.insert(loss.begin(), std::numeric_limits<float>::quiet_NaN());
    loss.resize(result_.pieces.size(), std::numeric_limits<float>::quiet_NaN());
  }
  if (result_.pieces.isEmpty()) {
    strip_->setText(prompt_.text.left(kLongestUnread));
  } else {
    strip_->setTokens(result_.pieces, result_.user_begin, result_.user_end, std::move(loss));
  }

  double loss_scale = 3.0;  // nats: small losses stay small
  for (const auto* arm : {&result_.baseline, &result_.disrupted}) {
    if (!*arm || !(*arm)->continuation) continue;
    for (const float nll : (*arm)->continuation->nll)
      loss_scale = std::max(loss_scale, static_cast<double>(nll));
  }
  fillRow(rows_[0], result_.baseline, Arm::Baseline, loss_scale);
  fillRow(rows_[1], result_.disrupted, Arm::Disrupted, loss_scale);
  setAccessibleName(tr("%1: %2").arg(kindTitle(prompt_.kind), prompt_.text));
}

void PromptCard::mousePressEvent(QMouseEvent* event) {
  QFrame::mousePressEvent(event);
  Q_EMIT selected();
}

void PromptCard::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
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
}

}  // namespace qkscope
