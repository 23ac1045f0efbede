#pragma once
#include <QWidget>
#include <vector>

#include "core/tasks/paper_table.h"
#include "views/view_state.h"

class QComboBox;
class QStackedWidget;
class QStandardItemModel;
class QTableView;

namespace qkscope {

class CurvePlot;
class StyledLabel;

/// The first paper's tables and figures, one at a time, as published or task by task, with what was measured
/// here beside it and what to beware of.
class PaperTables : public QWidget {
  Q_OBJECT
 public:
  explicit PaperTables(QWidget* parent);

  void setMeasured(std::vector<ExperimentTable> measured);
  void choose(PaperPart part, PaperLayout layout);
  PaperPart chosenPart() const;
  PaperLayout chosenLayout() const;
  /// With what was measured; null where what was published is not to be read.
  const PaperTable* shown() const { return published_.empty() ? nullptr : &shown_; }
  /// What to beware of, in sentences.
  QString caveats() const;
  /// Why there is nothing, in a sentence; else empty.
  const QString& problem() const { return problem_; }

 Q_SIGNALS:
  /// Another part or layout was chosen.
  void chosen();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showTable();

  std::vector<PaperTable> published_;
  std::vector<ExperimentTable> measured_;
  PaperTable shown_;
  QString problem_;
  QComboBox *part_, *layout_;
  QStackedWidget* pages_;
  QTableView* table_;
  QStandardItemModel* model_;
  CurvePlot* charts_;
  StyledLabel* caveats_;
};

}  // namespace qkscope
