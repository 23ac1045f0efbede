#pragma once
#include <QAbstractTableModel>
#include <QStyledItemDelegate>
#include <memory>
#include <vector>

#include "core/tasks/experiment_table.h"

namespace qkscope {

/// The table of an experiment: a row an arm, a column a task, then the means over both kinds of task.
class ExperimentTableModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  using QAbstractTableModel::QAbstractTableModel;

  /// Rows and columns stay where they are as long as arms and tasks are the same.
  void setTable(ExperimentTable table);
  const ExperimentTable& table() const { return table_; }
  /// Null in the columns of arms and means.
  const TaskScore* score(const QModelIndex& index) const;
  /// Of the task whose column it is; -1 for another column.
  int taskOf(int column) const { return column >= 1 && column <= tasks() ? column - 1 : -1; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  int tasks() const;
  std::optional<double> mean(const QModelIndex& index) const;
  QString words(const ExperimentTable::Row& arm, const TaskScore& score) const;

  ExperimentTable table_;
};

/// Paints a score: its percentage, how many of how many, and a bar from 0 to 100 % with the 95 % interval and
/// the share that guessing gets.
class ScoreDelegate : public QStyledItemDelegate {
  Q_OBJECT
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

/// The questions of one cell, with what the baseline and the arm answered.
class OutcomeModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { NumberColumn, QuestionColumn, BaselineColumn, ArmColumn, PublishedColumn, ColumnCount };
  using QAbstractTableModel::QAbstractTableModel;

  /// Of the arm and task; holds what the outcomes point at.
  void setCell(std::shared_ptr<const Plan> plan, std::shared_ptr<const ResultStore> results, int task,
               int arm);
  const ItemOutcome& outcome(int row) const { return outcomes_[static_cast<std::size_t>(row)]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const ResultStore> results_;
  std::vector<ItemOutcome> outcomes_;
  int task_ = -1, arm_ = -1;
};

}  // namespace qkscope
