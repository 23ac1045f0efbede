#include "app/question_dialogs.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QPushButton>
#include <QSpinBox>
#include <limits>

#include "views/counted.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

void choose(QComboBox* box, const std::string& column) {
  const int known = box->findText(text(column));
  if (known >= 0) {
    box->setCurrentIndex(known);
  } else if (box->isEditable()) {
    box->setEditText(text(column));
  }
}

QDialogButtonBox* buttonsOf(QDialog* dialog, const QString& words) {
  auto* buttons = new QDialogButtonBox(dialog);
  buttons->addButton(words, QDialogButtonBox::AcceptRole);
  buttons->addButton(QDialogButtonBox::Cancel);
  QObject::connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
  QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
  return buttons;
}

}  // namespace

QuestionColumnsDialog::QuestionColumnsDialog(const QString& file, const QStringList& columns,
                                             const QaColumns& known, QWidget* parent)
    : QDialog(parent) {
  setWindowTitle(tr("Columns of %1").arg(file));
  setObjectName(QStringLiteral("questionColumns"));
  auto* form = new QFormLayout(this);
  const auto box = [&](const QString& title, const char* name, bool optional) {
    auto* list = new QComboBox(this);
    list->setObjectName(QLatin1String(name));
    if (optional) list->addItem(QString());
    list->addItems(columns);
    form->addRow(title, list);
    return list;
  };
  question_ = box(tr("Question"), "columnsQuestion", false);
  question_->setEditable(true);
  question_->setInsertPolicy(QComboBox::NoInsert);
  question_->setMinimumContentsLength(40);
  question_->setToolTip(
      tr("A column, or a text with columns in braces: Is the city of {city} in {country}?"));
  answer_ = box(tr("Answer"), "columnsAnswer", false);
  category_ = box(tr("Category"), "columnsCategory", true);
  fact_ = box(tr("Fact"), "columnsFact", true);
  choose(question_, known.question);
  choose(answer_, known.answer);
  choose(category_, known.category);
  choose(fact_, known.correct_fact);
  form->addRow(new StyledLabel(Type::Small, Tone::Muted, this,
                               tr("A question may be put together from columns in braces.")));
  QDialogButtonBox* buttons = buttonsOf(this, tr("Read"));
  form->addRow(buttons);
  const auto check = [this, buttons] {
    buttons->buttons().front()->setEnabled(!question_->currentText().trimmed().isEmpty() &&
                                           !answer_->currentText().isEmpty());
  };
  connect(question_, &QComboBox::editTextChanged, this, check);
  check();
}

QaColumns QuestionColumnsDialog::columns() const {
  const auto chosen = [](const QComboBox* box) { return box->currentText().trimmed().toStdString(); };
  return {chosen(question_), chosen(answer_), chosen(category_), chosen(fact_)};
}

QuestionBalanceDialog::QuestionBalanceDialog(const QaBook& book, QWidget* parent)
    : QDialog(parent), book_(book) {
  setWindowTitle(tr("Balance"));
  setObjectName(QStringLiteral("questionBalance"));
  auto* form = new QFormLayout(this);
  by_ = new QComboBox(this);
  by_->setObjectName(QStringLiteral("balanceBy"));
  by_->addItem(tr("Every answer"), static_cast<int>(QaBalance::Answer));
  by_->addItem(tr("Every category"), static_cast<int>(QaBalance::Category));
  by_->addItem(tr("Every answer in every category"), static_cast<int>(QaBalance::Both));
  form->addRow(tr("Equally often"), by_);
  seed_ = new QSpinBox(this);
  seed_->setObjectName(QStringLiteral("balanceSeed"));
  seed_->setRange(0, std::numeric_limits<int>::max());
  seed_->setToolTip(tr("What goes is drawn at random: the same seed draws the same questions"));
  form->addRow(tr("Seed"), seed_);
  groups_ = StyledLabel::reading(Type::Normal, Tone::Text, this);
  form->addRow(tr("There are"), groups_);
  outcome_ = StyledLabel::reading(Type::Normal, Tone::Text, this);
  outcome_->setObjectName(QStringLiteral("balanceOutcome"));
  form->addRow(tr("Then"), outcome_);
  QDialogButtonBox* buttons = buttonsOf(this, tr("Reject the rest"));
  reject_ = qobject_cast<QPushButton*>(buttons->buttons().front());
  form->addRow(buttons);
  setMinimumWidth(460);
  connect(by_, &QComboBox::currentIndexChanged, this, &QuestionBalanceDialog::showOutcome);
  connect(seed_, &QSpinBox::valueChanged, this, &QuestionBalanceDialog::showOutcome);
  showOutcome();
}

QaBalance QuestionBalanceDialog::by() const {
  return static_cast<QaBalance>(by_->currentData().toInt());
}

std::uint64_t QuestionBalanceDialog::seed() const {
  return static_cast<std::uint64_t>(seed_->value());
}

void QuestionBalanceDialog::showOutcome() {
  constexpr qsizetype most = 12;
  const std::vector<std::size_t> among = book_.decisions().not_rejected();
  QStringList lines;
  qsizetype more = 0;
  for (const auto& [name, items] : qa_groups(book_.set(), among, by())) {
    if (lines.size() == most) {
      ++more;
    } else {
      lines
          << tr("%1 × %2").arg(items.size()).arg(name.empty() ? tr("no category") : text(name).simplified());
    }
  }
  if (more > 0) lines << tr("and %1 more").arg(more);
  groups_->setText(lines.join(u'\n'));
  const std::size_t gone = qa_surplus(book_.set(), among, by(), seed()).size();
  outcome_->setText(gone == 0
                        ? tr("Nothing has to go.")
                        : tr("%1 are rejected, %2 stay.")
                              .arg(counted(static_cast<qint64>(gone), tr("1 question"), tr("%1 questions")))
                              .arg(among.size() - gone));
  reject_->setEnabled(gone > 0);
}

}  // namespace qkscope
