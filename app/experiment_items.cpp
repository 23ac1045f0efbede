#include "app/experiment_items.h"

#include <QFormLayout>
#include <QHeaderView>
#include <QScrollArea>

#include "views/experiment_models.h"
#include "views/rows_table.h"
#include "views/styled_label.h"
#include "views/text.h"
#include "views/word_diff.h"

namespace qkscope {

namespace {

/// `answer` with the words that `reference` has not.
std::vector<StyledLabel::Part> marked(const QString& reference, const QString& answer) {
  std::vector<StyledLabel::Part> parts;
  for (const DiffWord& word : diffWords(reference, answer)) {
    parts.push_back({word.blanks, Tone::Text, Type::Normal, false});
    parts.push_back({word.word, word.changed ? Tone::Disrupted : Tone::Text, Type::Normal, word.changed});
  }
  return parts;
}

}  // namespace

ExperimentItems::ExperimentItems(QWidget* parent)
    : QSplitter(Qt::Horizontal, parent), model_(new OutcomeModel(this)) {
  setChildrenCollapsible(false);
  items_ = rowsTable(model_, this);
  items_->setObjectName(QStringLiteral("experimentItems"));
  items_->setAccessibleName(tr("Questions of the selected cell"));
  items_->setSortingEnabled(false);
  items_->setWordWrap(false);
  items_->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  // A header's own hint leaves its padding out.
  items_->horizontalHeader()->setMinimumSectionSize(fontMetrics().horizontalAdvance(tr("item")) + 18);
  for (const int narrow : {OutcomeModel::NumberColumn, OutcomeModel::PublishedColumn})
    items_->horizontalHeader()->setSectionResizeMode(narrow, QHeaderView::ResizeToContents);
  addWidget(items_);

  auto* page = new QWidget(this);
  auto* form = new QFormLayout(page);
  form->setRowWrapPolicy(QFormLayout::WrapAllRows);
  const auto reading = [&](const QString& title) {
    auto* label = StyledLabel::reading(Type::Normal, Tone::Text, page);
    form->addRow(new StyledLabel(Type::Small, Tone::Muted, page, title), label);
    return label;
  };
  question_ = reading(tr("Question"));
  expected_ = reading(tr("Right"));
  baseline_ = reading(tr("Baseline"));
  answer_ = reading(tr("This arm"));
  auto* scroll = new QScrollArea(this);
  scroll->setWidget(page);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  addWidget(scroll);
  setSizes({620, 380});
  connect(items_->selectionModel(), &QItemSelectionModel::currentChanged, this, &ExperimentItems::showItem);
  connect(model_, &QAbstractItemModel::modelReset, this, &ExperimentItems::showItem);
  connect(items_, &QTableView::activated, this, &ExperimentItems::openItem);
}

void ExperimentItems::setCell(const ExperimentState& state, int task, int arm) {
  plan_ = state.plan;
  task_ = task;
  arm_ = arm;
  model_->setCell(state.plan, state.results, task, arm);
  if (model_->rowCount() > 0 && !hasItem()) items_->selectRow(0);
  showItem();
}

bool ExperimentItems::hasItem() const {
  return items_->currentIndex().isValid();
}

void ExperimentItems::showItem() {
  if (!hasItem()) {
    for (StyledLabel* label : {question_, expected_, baseline_, answer_}) label->setText(QString());
    Q_EMIT itemChanged();
    return;
  }
  const ItemOutcome& outcome = model_->outcome(items_->currentIndex().row());
  const QString baseline = outcome.baseline ? text(outcome.baseline->answer) : QString();
  question_->setText(text(outcome.item->prompt));
  QStringList right;
  for (const std::string& answer : outcome.item->gold.answers) right << text(answer);
  expected_->setText(right.join(tr(" or ")));
  baseline_->setText(baseline);
  answer_->setParts(marked(baseline, text(outcome.result->answer)));
  Q_EMIT itemChanged();
}

void ExperimentItems::openItem() {
  if (!hasItem()) return;
  const ItemOutcome& outcome = model_->outcome(items_->currentIndex().row());
  Prompt prompt;
  const auto& task = plan_->tasks[static_cast<std::size_t>(task_)];
  prompt.kind = task.kind == TaskKind::Context ? PromptKind::Context : PromptKind::Memory;
  prompt.text = text(outcome.item->prompt);
  prompt.expected = text(outcome.item->expected);
  const Plan::PlannedArm& planned = plan_->arms[static_cast<std::size_t>(arm_)];
  EditArm arm;
  arm.name = text(planned.name);
  for (const std::string& edit : planned.edits) arm.edits.push_back(parse_edit(edit));
  Q_EMIT openRequested(prompt, arm);
}

}  // namespace qkscope
