#include "app/question_details.h"

#include <QFormLayout>
#include <QLineEdit>

#include "views/question_model.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

QString verdictWords(const QaVerdict& verdict) {
  if (verdict.right == verdict.right_as_published)
    return verdict.right ? QuestionDetails::tr("right by both rules")
                         : QuestionDetails::tr("wrong by both rules");
  return verdict.right ? QuestionDetails::tr("right; wrong by the published rule")
                       : QuestionDetails::tr("wrong; right by the published rule");
}

/// "row 3 (accepted, answer No)"
QString otherWords(const QaBook& book, std::size_t item) {
  const QaItem& other = book.set().items[item];
  return QuestionDetails::tr("row %1 (%2, answer %3)")
      .arg(static_cast<qulonglong>(other.row))
      .arg(stateText(book.decisions().of(item).state), text(other.answers.front()));
}

}  // namespace

QuestionDetails::QuestionDetails(const QuestionModel* model, QWidget* parent)
    : QScrollArea(parent), model_(model) {
  setWidgetResizable(true);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* page = new QWidget(this);
  auto* form = new QFormLayout(page);
  form->setRowWrapPolicy(QFormLayout::WrapAllRows);
  question_ = addPart(form, tr("Question"));
  expected_ = addPart(form, tr("Right"));
  fact_ = addPart(form, tr("Fact"));
  answer_ = addPart(form, tr("The model's answer"));
  verdict_ = addPart(form, tr("Verdict"));
  verdict_->setObjectName(QStringLiteral("questionVerdict"));
  others_ = addPart(form, tr("Asks the same"));
  others_->setObjectName(QStringLiteral("questionOthers"));
  state_ = addPart(form, tr("State"));
  reason_ = new QLineEdit(page);
  reason_->setObjectName(QStringLiteral("questionReason"));
  reason_->setAccessibleName(tr("Why it is accepted or rejected"));
  reason_->setPlaceholderText(tr("why: kept with the decision"));
  form->addRow(new StyledLabel(Type::Small, Tone::Muted, page, tr("Reason")), reason_);
  setWidget(page);
  connect(reason_, &QLineEdit::returnPressed, this, [this] { Q_EMIT reasonWritten(reason()); });
  showRow(-1);
}

StyledLabel* QuestionDetails::addPart(QFormLayout* form, const QString& title) {
  auto* label = StyledLabel::reading(Type::Normal, Tone::Text, this);
  form->addRow(new StyledLabel(Type::Small, Tone::Muted, this, title), label);
  return label;
}

QString QuestionDetails::reason() const {
  return reason_->text().simplified();
}

void QuestionDetails::showRow(int row) {
  reason_->setEnabled(row >= 0);
  if (row < 0) {
    for (StyledLabel* label : {question_, expected_, fact_, answer_, verdict_, others_, state_})
      label->setText(QString());
    reason_->clear();
    return;
  }
  const QaBook& book = *model_->book();
  const auto index = static_cast<std::size_t>(row);
  const QaItem& item = book.set().items[index];
  question_->setText(text(item.question));
  QStringList right, others;
  for (const std::string& answer : item.answers) right << text(answer);
  expected_->setText(right.join(tr(" or ")));
  fact_->setText(text(item.correct_fact));
  const std::optional<QuestionAnswer>& said = model_->answer(row);
  answer_->setText(said ? said->text : tr("not asked yet"));
  verdict_->setText(said ? verdictWords(said->verdict) : QString());
  verdict_->setTone(said && !said->verdict.right ? Tone::Disrupted : Tone::Text);
  for (const std::size_t other : book.same_as(index)) others << otherWords(book, other);
  for (const std::size_t other : book.like(index))
    others << tr("%1, in other order").arg(otherWords(book, other));
  others_->setText(others.isEmpty() ? tr("no other question") : others.join(u'\n'));
  const QaDecision& decision = book.decisions().of(index);
  state_->setText(stateText(decision.state));
  reason_->setText(text(decision.reason));
}

}  // namespace qkscope
