#pragma once
#include <QDialog>
#include <vector>

#include "app/experiment_runner.h"
#include "views/prompt.h"

class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QTabWidget;
class QTableView;

namespace qkscope {

class CurvePlot;
class ExperimentItems;
class ExperimentTableModel;
class PaperTables;
class StyledLabel;

/// Whole experiments on the open model: which one, how far it is, its table as it fills, and behind each cell
/// the questions with their answers. Results are kept in a folder of the experiment's own and found there
/// again. Closing it stops nothing.
class ExperimentsWindow : public QDialog {
  Q_OBJECT
 public:
  ExperimentsWindow(Session& session, QWidget* parent);

  /// Chooses the experiment of a file, which joins the list; throws Error where it is none.
  void addFile(const QString& path);
  /// Where experiments find the data sets that they read, from now on.
  void setDataFolder(const QString& folder);
  ExperimentRunner& runner() { return runner_; }

 Q_SIGNALS:
  /// To ask this in the window, with the edits of its arm; a baseline has none.
  void openRequested(const qkscope::Prompt& prompt, const qkscope::EditArm& arm);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  struct Known {
    Experiment experiment;
    QString path;
  };
  QWidget* makeHead();
  QWidget* makeTable();
  QWidget* makeFoot();
  void listKnown();
  void add(const QString& path);
  void browse();
  const Experiment* chosen() const;
  /// Where the results of an experiment are kept.
  static QString folderOf(const Experiment& experiment);
  /// Shows what an earlier run left of the chosen experiment on this model.
  void readKept();
  /// What is left to ask and how long that takes; told by the runner.
  void estimate();
  void startOrStop();
  void showState();
  void showCurves();
  void showProgress();
  void showCell();
  void exportTable();
  /// Of the paper, as figures, with what was measured.
  void exportFigures();
  void say(const QString& sentence, bool problem);

  Session& session_;
  ExperimentRunner runner_;
  std::vector<Known> known_;
  ExperimentState state_;  // that is shown

  QComboBox* experiment_ = nullptr;
  StyledLabel *model_ = nullptr, *about_ = nullptr, *message_ = nullptr, *progress_text_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QPushButton *start_ = nullptr, *open_ = nullptr, *export_ = nullptr, *figure_ = nullptr;
  QTabWidget* pages_ = nullptr;
  QTableView* table_ = nullptr;
  ExperimentItems* items_ = nullptr;
  CurvePlot* curves_ = nullptr;
  PaperTables* paper_ = nullptr;
  ExperimentTableModel* table_model_;
};

}  // namespace qkscope
