#include "views/experiment_models.h"

#include <QLocale>
#include <utility>

#include "views/text.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

QString percent(double share) {
  return QLocale().toString(100 * share, 'f', 1);
}

/// On one line, for a cell.
QString oneLine(const std::string& words) {
  return text(words).simplified();
}

bool sameShape(const ExperimentTable& a, const ExperimentTable& b) {
  if (a.experiment != b.experiment || a.arms.size() != b.arms.size()) return false;
  for (std::size_t arm = 0; arm < a.arms.size(); ++arm) {
    if (a.arms[arm].name != b.arms[arm].name || a.arms[arm].tasks.size() != b.arms[arm].tasks.size())
      return false;
  }
  return true;
}

}  // namespace

void ExperimentTableModel::setTable(ExperimentTable table) {
  if (sameShape(table, table_)) {
    table_ = std::move(table);
    if (rowCount() > 0) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    return;
  }
  beginResetModel();
  table_ = std::move(table);
  endResetModel();
}

int ExperimentTableModel::tasks() const {
  return table_.arms.empty() ? 0 : static_cast<int>(table_.arms.front().tasks.size());
}

const TaskScore* ExperimentTableModel::score(const QModelIndex& index) const {
  const int task = taskOf(index.column());
  if (!index.isValid() || task < 0) return nullptr;
  return &table_.arms[static_cast<std::size_t>(index.row())].tasks[static_cast<std::size_t>(task)];
}

std::optional<double> ExperimentTableModel::mean(const QModelIndex& index) const {
  const auto& arm = table_.arms[static_cast<std::size_t>(index.row())];
  return mean_accuracy(arm, index.column() == tasks() + 1 ? TaskKind::Context : TaskKind::Memory);
}

int ExperimentTableModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(table_.arms.size());
}

int ExperimentTableModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() || table_.arms.empty() ? 0 : tasks() + 3;
}

QString ExperimentTableModel::words(const ExperimentTable::Row& arm, const TaskScore& score) const {
  if (score.items == 0) return tr("No answer is there yet.");
  QStringList lines = {
      tr("%1 of %2 right; 95 % interval %3 to %4 %; guessing gets %5 %")
          .arg(score.correct)
          .arg(score.items)
          .arg(percent(score.interval.low), percent(score.interval.high), percent(score.chance))};
  if (score.change && score.p)
    lines << tr("Against the baseline: %1 to %2 points; McNemar's exact p = %3")
                 .arg(percent(score.change->low), percent(score.change->high),
                      QLocale().toString(*score.p, 'g', 3));
  for (const AgainstControl& control : score.controls)
    lines << tr("Beyond %1: %2 points (%3 to %4), p = %5")
                 .arg(text(control.control), percent(control.difference), percent(control.interval.low),
                      percent(control.interval.high), QLocale().toString(control.p, 'g', 3));
  if (!score.published_rule.empty())
    lines << tr("By the published rule (%1): %2 right")
                 .arg(text(score.published_rule))
                 .arg(score.published_correct);
  if (score.perplexity)
    lines << tr("Perplexity of the expected answers: %1").arg(QLocale().toString(*score.perplexity, 'g', 4));
  if (score.repeating > 0) lines << tr("Answers that repeat themselves: %1").arg(score.repeating);
  if (!arm.control_of.empty()) lines << tr("A matched control of %1").arg(text(arm.control_of));
  return lines.join(u'\n');
}

QVariant ExperimentTableModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto& arm = table_.arms[static_cast<std::size_t>(index.row())];
  const TaskScore* cell = score(index);
  switch (role) {
    case Qt::DisplayRole:
      if (index.column() == 0) return text(arm.name);
      if (const auto share = cell ? cell->accuracy() : mean(index)) return tr("%1 %").arg(percent(*share));
      return tr("–");
    case Qt::ToolTipRole: {
      if (cell) return toolTipText(words(arm, *cell));
      QStringList edits;
      for (const std::string& edit : arm.edits) edits << text(edit);
      return index.column() > 0
                 ? QVariant()
                 : toolTipText(edits.isEmpty() ? tr("Nothing is changed.") : edits.join(u'\n'));
    }
    case Qt::TextAlignmentRole:
      return static_cast<int>(index.column() == 0 ? Qt::AlignLeft | Qt::AlignVCenter
                                                  : Qt::AlignRight | Qt::AlignVCenter);
    default:
      return {};
  }
}

QVariant ExperimentTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
  const int task = taskOf(section);
  if (role == Qt::DisplayRole) {
    if (section == 0) return tr("arm");
    if (task >= 0) return text(table_.arms.front().tasks[static_cast<std::size_t>(task)].task);
    return section == tasks() + 1 ? tr("context") : tr("memory");
  }
  if (role == Qt::ToolTipRole) {
    if (task >= 0)
      return table_.arms.front().tasks[static_cast<std::size_t>(task)].kind == TaskKind::Context
                 ? tr("The answer stands in the prompt.")
                 : tr("The answer must be known by heart.");
    if (section > tasks()) return tr("Mean over the tasks of this kind");
  }
  return {};
}

void OutcomeModel::setCell(std::shared_ptr<const Plan> plan, std::shared_ptr<const ResultStore> results,
                           int task, int arm) {
  std::vector<ItemOutcome> found;
  if (plan && results && task >= 0 && arm >= 0)
    found = outcomes(*plan, static_cast<std::size_t>(task), static_cast<std::size_t>(arm), *results);
  // Results are only added: what grew keeps its selection.
  const bool same = plan == plan_ && task == task_ && arm == arm_ && found.size() == outcomes_.size();
  if (!same) beginResetModel();
  plan_ = std::move(plan);
  results_ = std::move(results);
  outcomes_ = std::move(found);
  task_ = task;
  arm_ = arm;
  if (!same) endResetModel();
}

int OutcomeModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(outcomes_.size());
}

int OutcomeModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : ColumnCount;
}

QVariant OutcomeModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid) || role != Qt::DisplayRole) return {};
  const ItemOutcome& outcome = outcomes_[static_cast<std::size_t>(index.row())];
  const auto marked = [](bool right, const std::string& answer) -> QString {
    return (right ? QStringLiteral("✓ ") : QStringLiteral("✗ ")) + oneLine(answer);
  };
  switch (index.column()) {
    case NumberColumn:
      return static_cast<int>(outcome.item - plan_->tasks[static_cast<std::size_t>(task_)].items.data()) + 1;
    case QuestionColumn: {
      // What is asked stands at the end of a long prompt.
      const QString question = oneLine(outcome.item->prompt);
      constexpr qsizetype most = 90;
      if (question.size() <= most) return question;
      // Its end, from a word on.
      const QString end = question.right(most);
      return QString(QStringLiteral("… ") + end.mid(end.indexOf(u' ') + 1));
    }
    case BaselineColumn:
      return outcome.baseline ? marked(outcome.baseline_right, outcome.baseline->answer) : tr("–");
    case ArmColumn:
      return marked(outcome.right, outcome.result->answer);
    case PublishedColumn:
      return outcome.published_right ? (*outcome.published_right ? QStringLiteral("✓") : QStringLiteral("✗"))
                                     : QString();
  }
  return {};
}

QVariant OutcomeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
  if (role == Qt::DisplayRole) {
    const QString titles[] = {tr("item"), tr("question"), tr("baseline"), tr("this arm"),
                              tr("published rule")};
    return titles[section];
  }
  if (role == Qt::ToolTipRole && section == PublishedColumn)
    return tr("Whether the rule of the published code takes this arm's answer for right");
  return {};
}

}  // namespace qkscope
