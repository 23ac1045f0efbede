#pragma once
#include <QScrollArea>

class QFormLayout;
class QLineEdit;

namespace qkscope {

class QuestionModel;
class StyledLabel;

/// One question in full: what answers it, what a model said, what both rules make of that, who else asks it,
/// and why it was decided as it was.
class QuestionDetails : public QScrollArea {
  Q_OBJECT
 public:
  QuestionDetails(const QuestionModel* model, QWidget* parent);

  /// A row of the model; -1: none.
  void showRow(int row);
  QString reason() const;

 Q_SIGNALS:
  /// The person has written why.
  void reasonWritten(const QString& reason);

 private:
  StyledLabel* addPart(QFormLayout* form, const QString& title);

  const QuestionModel* model_;
  StyledLabel *question_ = nullptr, *expected_ = nullptr, *fact_ = nullptr, *answer_ = nullptr,
              *verdict_ = nullptr, *others_ = nullptr, *state_ = nullptr;
  QLineEdit* reason_ = nullptr;
};

}  // namespace qkscope
