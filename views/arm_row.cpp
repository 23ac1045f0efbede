#include "views/arm_row.h"

#include <QGridLayout>
#include <QLocale>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "views/counted.h"
#include "views/plot_style.h"
#include "views/prompt_bars.h"
#include "views/prompt_card.h"
#include "views/styled_label.h"
#include "views/text.h"
#include "views/word_diff.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return PromptCard::tr(text);
}

/// A hairline between rows. A widget of its own, so that it is where its row is, whatever moves.
class Rule : public QWidget {
 public:
  explicit Rule(QWidget* parent) : QWidget(parent) { setFixedHeight(1); }

 protected:
  void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(rect(), PlotStyle::of(*this).line); }
};

/// A long name breaks into lines: it must not take the answer's room.
class NameLabel : public StyledLabel {
 public:
  explicit NameLabel(QWidget* parent) : StyledLabel(Type::Normal, Tone::Muted, parent) { setWordWrap(true); }
  QSize sizeHint() const override {
    const QSize whole = StyledLabel::sizeHint();
    const int width = std::min(whole.width(), static_cast<int>(118 * PlotStyle::of(*this).unit));
    return {width, heightForWidth(width)};
  }
};

bool grows(const ArmStatus& status) {
  return status.state == ArmState::Running && !status.earlier;
}

QString perplexityWords(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? tr("not a number") : QStringLiteral("∞");
  if (value >= 1e5) return QString::number(value, 'g', 3);
  return QString::number(value, 'f', value < 100 ? 3 : 1);
}

QString ratioWords(double ratio) {
  return ratio >= 1e5 ? QString::number(ratio, 'g', 3) : QString::number(ratio, 'f', ratio < 100 ? 2 : 0);
}

}  // namespace

ArmRow::ArmRow(QGridLayout* grid, int line, Arm which, QWidget* card)
    : which_(which),
      grid_(grid),
      line_(line + 1),
      rule_(new Rule(card)),
      name_(new NameLabel(card)),
      answer_(new StyledLabel(Type::Normal, Tone::Text, card)),
      next_(new NextTokenBars(card)),
      perplexity_(new StyledLabel(Type::Normal, Tone::Text, card)),
      losses_(new LossBars(card)),
      scores_(new QVBoxLayout) {
  const bool baseline = which == Arm::Baseline;
  name_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  name_->setObjectName(baseline ? QStringLiteral("baselineName") : QStringLiteral("disruptedName"));
  answer_->setObjectName(baseline ? QStringLiteral("baselineAnswer") : QStringLiteral("disruptedAnswer"));
  answer_->setWordWrap(true);
  answer_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  answer_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  perplexity_->setObjectName(baseline ? QStringLiteral("baselinePerplexity")
                                      : QStringLiteral("disruptedPerplexity"));
  scores_->setSpacing(2);
  scores_->addWidget(perplexity_);
  scores_->addWidget(losses_);
  scores_->addStretch(1);
  grid->addWidget(rule_, line, 0, 1, 4);
  grid->addWidget(name_, line_, 0);
  grid->addWidget(answer_, line_, 1);
  grid->addWidget(next_, line_, 2, Qt::AlignTop);
  grid->addLayout(scores_, line_, 3);
  grid->setRowStretch(line_, 1);
  // Those that come to a card that is seen already.
  for (QWidget* part : {rule_, static_cast<QWidget*>(name_), static_cast<QWidget*>(answer_)}) part->show();
}

ArmRow::~ArmRow() {
  grid_->setRowStretch(line_, 0);
  grid_->removeItem(scores_);
  delete scores_;
  for (QWidget* part : std::initializer_list<QWidget*>{rule_, name_, answer_, next_, perplexity_, losses_})
    delete part;
}

QRect ArmRow::area() const {
  // The answer fills its cell.
  return {rule_->geometry().topLeft(), QPoint(rule_->geometry().right(), answer_->geometry().bottom())};
}

void ArmRow::show(const Name& name, const PromptResult& result, const ArmResult& arm, double loss_scale,
                  int most_tokens) {
  showName(name, arm);
  next_->setVisible(arm.run.has_value());
  perplexity_->setVisible(arm.run.has_value());
  if (!arm.run || !arm.run->continuation) losses_->setVisible(false);
  if (!arm.run) {
    const bool silent = name.quiet && arm.status.state == ArmState::Off;
    answer_->setParts({{silent ? QString() : stateWords(result, arm), Tone::Muted}});
    answer_->setAccessibleName({});
    return;
  }
  showAnswer(result, arm);
  next_->setTokens(arm.run->next, which_, most_tokens);
  showPerplexity(result, arm);
  if (arm.run->continuation)
    losses_->setLosses(arm.run->continuation_pieces, arm.run->continuation->nll, loss_scale, which_);
}

void ArmRow::showName(const Name& name, const ArmResult& arm) {
  const bool lively = which_ == Arm::Disrupted && arm.run;
  std::vector<StyledLabel::Part> parts{{name.words, lively ? Tone::Disrupted : Tone::Muted,
                                        which_ == Arm::Disrupted ? Type::Strong : Type::Normal}};
  if (name.shown) parts.push_back({QStringLiteral("\u00a0◉"), parts.front().tone, Type::Strong});
  if (lively && arm.run->replaced > 0 && !arm.status.earlier) {
    parts.push_back(
        {u'\n' + counted(arm.run->replaced, tr("1 replaced"), tr("%1 replaced")), Tone::Muted, Type::Small});
  }
  name_->setParts(std::move(parts));
  name_->setToolTip(name.shown ? tr("%1: in the pictures").arg(name.words) : name.words);
}

void ArmRow::showAnswer(const PromptResult& result, const ArmResult& arm) {
  const PromptArm& run = *arm.run;
  const Tone tone = arm.status.earlier ? Tone::Muted : Tone::Text;
  const auto& baseline = result.baseline.run;
  std::vector<StyledLabel::Part> parts;
  if (run.answer.isEmpty() && run.complete) {
    parts.push_back({tr("nothing: the model ends at once"), Tone::Muted});
  } else if (which_ == Arm::Baseline || !baseline) {
    parts.push_back({run.answer, tone});
  } else {
    for (const DiffWord& word : diffWords(baseline->answer, run.answer)) {
      parts.push_back({word.blanks, tone});
      parts.push_back({word.word, word.changed ? Tone::Disrupted : tone, Type::Normal, word.changed});
    }
    if (run.complete && run.answer == baseline->answer)
      parts.push_back({u' ' + tr("(unchanged)"), Tone::Muted});
  }
  if (grows(arm.status)) {
    parts.push_back({QStringLiteral("▌"), Tone::Muted});
  } else {
    if (run.complete && !run.stopped) parts.push_back({QStringLiteral("\u00a0…"), tone});
    if (const QString words = stateWords(result, arm); !words.isEmpty())
      parts.push_back({QStringLiteral(" (%1)").arg(words), Tone::Muted});
  }
  answer_->setParts(std::move(parts));
  answer_->setAccessibleName(run.answer);
}

void ArmRow::showPerplexity(const PromptResult& result, const ArmResult& arm) {
  const auto& continuation = arm.run->continuation;
  const std::optional<double> value = continuation ? continuation->value() : std::nullopt;
  if (!value) {
    perplexity_->setParts({{continuation        ? tr("no token to score")
                            : grows(arm.status) ? QStringLiteral("…")
                                                : QString(),
                            Tone::Muted}});
    perplexity_->setToolTip({});
    return;
  }
  const Tone tone = arm.status.earlier ? Tone::Muted : Tone::Text;
  std::vector<StyledLabel::Part> parts{
      {perplexityWords(*value), tone, std::isnan(*value) ? Type::Normal : Type::Number}};
  const auto& baseline = result.baseline.run;
  const std::optional<double> before =
      baseline && baseline->continuation ? baseline->continuation->value() : std::nullopt;
  if (which_ == Arm::Disrupted && before && std::isfinite(*value / *before))
    parts.push_back({QStringLiteral("\u00a0 ×%1").arg(ratioWords(*value / *before)), Tone::Muted});
  perplexity_->setParts(std::move(parts));
  const std::string_view words = definition_words(continuation->definition);
  perplexity_->setToolTip(counted(static_cast<qint64>(continuation->nll.size()),
                                  tr("Perplexity (a), one token scored."),
                                  tr("Perplexity (a), %1 tokens scored.")) +
                          u'\n' + text(words));
}

}  // namespace qkscope
