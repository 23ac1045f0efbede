#pragma once
#include <QSplitter>

#include "app/experiment_runner.h"
#include "views/prompt.h"

class QTableView;

namespace qkscope {

class OutcomeModel;
class StyledLabel;

/// The questions of one cell of an experiment's table, and the selected one with its answers in full.
class ExperimentItems : public QSplitter {
  Q_OBJECT
 public:
  explicit ExperimentItems(QWidget* parent);

  /// The questions of that task under that arm; -1: of none.
  void setCell(const ExperimentState& state, int task, int arm);
  bool hasItem() const;
  /// Asks for the selected question in the window.
  void openItem();

 Q_SIGNALS:
  void itemChanged();
  /// To ask this in the window, with the edits of its arm; a baseline has none.
  void openRequested(const qkscope::Prompt& prompt, const qkscope::EditArm& arm);

 private:
  void showItem();

  std::shared_ptr<const Plan> plan_;
  int task_ = -1, arm_ = -1;
  QTableView* items_ = nullptr;
  StyledLabel *question_ = nullptr, *expected_ = nullptr, *baseline_ = nullptr, *answer_ = nullptr;
  OutcomeModel* model_;
};

}  // namespace qkscope
