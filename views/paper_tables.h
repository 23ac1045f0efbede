#pragma once
#include <QWidget>
#include <vector>

#include "core/tasks/paper_table.h"

class QComboBox;
class QStandardItemModel;
class QTableView;

namespace qkscope {

class StyledLabel;

/// The first paper's tables and figures as numbers, one at a time, with what was measured here below them and
/// what to beware of.
class PaperTables : public QWidget {
  Q_OBJECT
 public:
  explicit PaperTables(QWidget* parent);

  void setMeasured(ExperimentTable measured);
  /// With what was measured; null where what was published is not to be read.
  const PaperTable* shown() const;

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showTable();

  std::vector<PaperTable> published_;
  ExperimentTable measured_;
  PaperTable shown_;
  QComboBox* choice_;
  QTableView* table_;
  QStandardItemModel* model_;
  StyledLabel* caveats_;
};

}  // namespace qkscope
