#pragma once
#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <memory>
#include <optional>
#include <vector>

#include "core/tasks/qa_book.h"
#include "core/tasks/qa_check.h"

namespace qkscope {

/// What a model said to a question, judged.
struct QuestionAnswer {
  QString text;
  QaVerdict verdict;
  bool operator==(const QuestionAnswer&) const = default;
};

/// The questions of a book with what is decided of them and what a model answered; a row an item.
class QuestionModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column {
    RowColumn,
    QuestionColumn,
    ExpectedColumn,
    CategoryColumn,
    StateColumn,
    AnswerColumn,
    PublishedColumn,
    ColumnCount
  };
  using QAbstractTableModel::QAbstractTableModel;

  /// Null: no questions. No answers yet.
  void setBook(std::shared_ptr<const QaBook> book);
  const QaBook* book() const { return book_.get(); }
  void setAnswers(const QaAnswers& answers);
  /// Those that are not among `answers` stay as they are.
  void addAnswers(const QaAnswers& answers);
  /// The book's decisions are others now.
  void decisionsChanged();
  const std::optional<QuestionAnswer>& answer(int row) const {
    return answers_[static_cast<std::size_t>(row)];
  }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::shared_ptr<const QaBook> book_;
  std::vector<std::optional<QuestionAnswer>> answers_;  // of each item
};

/// "undecided", "accepted", "rejected" for people.
QString stateText(QaState state);

/// Some of the questions: those of a kind, with a text in them.
class QuestionFilter : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  enum Kind { All, Undecided, Accepted, Rejected, Wrong, RulesDiffer, Duplicates, KindCount };
  QuestionFilter(QuestionModel* model, QObject* parent);

  void setKind(Kind kind);
  void setWords(const QString& words);
  static QString kindText(Kind kind);
  /// Whether the question of a row of the model is of that kind now.
  static bool is(const QuestionModel& model, int row, Kind kind);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  Kind kind_ = All;
  QString words_;
};

}  // namespace qkscope
