#pragma once
#include <QDialog>

#include "core/tasks/qa_book.h"

class QComboBox;
class QPushButton;
class QSpinBox;

namespace qkscope {

class StyledLabel;

/// Which columns of a file are question, answer, category and fact, where their names do not tell.
class QuestionColumnsDialog : public QDialog {
  Q_OBJECT
 public:
  QuestionColumnsDialog(const QString& file, const QStringList& columns, const QaColumns& known,
                        QWidget* parent);
  QaColumns columns() const;

 private:
  QComboBox *question_ = nullptr, *answer_ = nullptr, *category_ = nullptr, *fact_ = nullptr;
};

/// What is to come equally often, and with which seed the rest is drawn: it says what that leaves.
class QuestionBalanceDialog : public QDialog {
  Q_OBJECT
 public:
  QuestionBalanceDialog(const QaBook& book, QWidget* parent);

  QaBalance by() const;
  std::uint64_t seed() const;

 private:
  void showOutcome();

  const QaBook& book_;
  QComboBox* by_ = nullptr;
  QSpinBox* seed_ = nullptr;
  StyledLabel *groups_ = nullptr, *outcome_ = nullptr;
  QPushButton* reject_ = nullptr;
};

}  // namespace qkscope
