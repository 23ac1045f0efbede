#include "views/question_model.h"

#include <algorithm>

#include "views/text.h"

namespace qkscope {

namespace {

QString oneLine(const std::string& words) {
  return text(words).simplified();
}

QString answersOf(const QaItem& item) {
  QStringList answers;
  for (const std::string& answer : item.answers) answers << oneLine(answer);
  return answers.join(QuestionModel::tr(" or "));
}

QString mark(bool right) {
  return right ? QStringLiteral("✓") : QStringLiteral("✗");
}

}  // namespace

QString stateText(QaState state) {
  return state == QaState::Undecided  ? QuestionModel::tr("undecided")
         : state == QaState::Accepted ? QuestionModel::tr("accepted")
                                      : QuestionModel::tr("rejected");
}

void QuestionModel::setBook(std::shared_ptr<const QaBook> book) {
  beginResetModel();
  book_ = std::move(book);
  answers_.assign(book_ ? book_->set().items.size() : 0, std::nullopt);
  endResetModel();
}

void QuestionModel::setAnswers(const QaAnswers& answers) {
  for (std::optional<QuestionAnswer>& answer : answers_) answer.reset();
  addAnswers(answers);
}

void QuestionModel::addAnswers(const QaAnswers& answers) {
  if (rowCount() == 0) return;
  for (int row = 0; row < rowCount(); ++row) {
    const QaItem& item = book_->set().items[static_cast<std::size_t>(row)];
    const auto found = answers.find(item.question);
    std::optional<QuestionAnswer>& answer = answers_[static_cast<std::size_t>(row)];
    if (found == answers.end()) continue;
    const QString said = text(found->second);
    if (!answer || answer->text != said)
      answer = QuestionAnswer{said, qa_verdict(book_->set(), item, found->second)};
  }
  Q_EMIT dataChanged(index(0, AnswerColumn), index(rowCount() - 1, PublishedColumn));
}

void QuestionModel::decisionsChanged() {
  if (rowCount() > 0) Q_EMIT dataChanged(index(0, StateColumn), index(rowCount() - 1, StateColumn));
}

int QuestionModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || !book_ ? 0 : static_cast<int>(book_->set().items.size());
}

int QuestionModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : ColumnCount;
}

QVariant QuestionModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid) || role != Qt::DisplayRole) return {};
  const auto row = static_cast<std::size_t>(index.row());
  const QaItem& item = book_->set().items[row];
  const std::optional<QuestionAnswer>& said = answers_[row];
  switch (index.column()) {
    case RowColumn:
      return static_cast<qulonglong>(item.row);
    case QuestionColumn:
      return oneLine(item.question);
    case ExpectedColumn:
      return answersOf(item);
    case CategoryColumn:
      return oneLine(item.category);
    case StateColumn:
      return stateText(book_->decisions().of(row).state);
    case AnswerColumn:
      return said ? mark(said->verdict.right) + u' ' + said->text.simplified() : QString();
    case PublishedColumn:
      return said ? mark(said->verdict.right_as_published) : QString();
  }
  return {};
}

QVariant QuestionModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
  if (role == Qt::DisplayRole) {
    const QString titles[] = {tr("row"),   tr("question"), tr("expected"),      tr("category"),
                              tr("state"), tr("model"),    tr("published rule")};
    return titles[section];
  }
  if (role == Qt::ToolTipRole && section == RowColumn)
    return tr("Where it stands in the file: the line of .csv and .jsonl, else the place in the list");
  if (role == Qt::ToolTipRole && section == PublishedColumn)
    return tr("Whether the rule of the published code takes the model's answer for right");
  return {};
}

QuestionFilter::QuestionFilter(QuestionModel* model, QObject* parent) : QSortFilterProxyModel(parent) {
  setSourceModel(model);
  setDynamicSortFilter(true);
}

QString QuestionFilter::kindText(Kind kind) {
  switch (kind) {
    case All:
      return tr("All");
    case Undecided:
      return tr("Undecided");
    case Accepted:
      return tr("Accepted");
    case Rejected:
      return tr("Rejected");
    case Wrong:
      return tr("Answered wrongly");
    case RulesDiffer:
      return tr("The two rules differ");
    case Duplicates:
      return tr("Duplicates");
    case KindCount:
      break;
  }
  return {};
}

bool QuestionFilter::is(const QuestionModel& model, int row, Kind kind) {
  const auto item = static_cast<std::size_t>(row);
  const QaState state = model.book()->decisions().of(item).state;
  const std::optional<QuestionAnswer>& said = model.answer(row);
  switch (kind) {
    case All:
    case KindCount:
      return true;
    case Undecided:
      return state == QaState::Undecided;
    case Accepted:
      return state == QaState::Accepted;
    case Rejected:
      return state == QaState::Rejected;
    case Wrong:
      return said && !said->verdict.right;
    case RulesDiffer:
      return said && said->verdict.right != said->verdict.right_as_published;
    case Duplicates:
      return state != QaState::Rejected &&
             (!model.book()->same_as(item).empty() || !model.book()->like(item).empty());
  }
  return true;
}

void QuestionFilter::setKind(Kind kind) {
  kind_ = kind;
  invalidateFilter();
}

void QuestionFilter::setWords(const QString& words) {
  words_ = words.simplified();
  invalidateFilter();
}

bool QuestionFilter::filterAcceptsRow(int row, const QModelIndex&) const {
  const auto& model = static_cast<const QuestionModel&>(*sourceModel());
  if (!is(model, row, kind_)) return false;
  if (words_.isEmpty()) return true;
  const int columns[] = {QuestionModel::QuestionColumn, QuestionModel::ExpectedColumn,
                         QuestionModel::CategoryColumn, QuestionModel::AnswerColumn};
  return std::ranges::any_of(columns, [&](int column) {
    const QString shown = model.index(row, column).data().toString();
    return shown.contains(words_, Qt::CaseInsensitive);
  });
}

}  // namespace qkscope
