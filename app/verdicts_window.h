#pragma once
#include <QDialog>
#include <QTimer>

#include "app/verdict_runner.h"

class QProgressBar;
class QPushButton;
class QStandardItemModel;
class QTableView;

namespace qkscope {

class StyledLabel;
class VerdictChoice;

/// The paper's Table 3 for one's own models: which of them, by which prompts, what it would print of each and
/// by what rule, and which massive values of K and Q answer to each other. Closing it stops nothing.
class VerdictsWindow : public QDialog {
  Q_OBJECT
 public:
  VerdictsWindow(Session& session, QWidget* parent);

  VerdictRunner& runner() { return runner_; }

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  QWidget* makeResults();
  void startOrStop();
  /// Whether Start would go on with what is there.
  bool goesOn() const;
  void showState();
  void showProgress();
  void showModel();
  void showLinks();
  /// That whose row is selected; null where none is.
  const VerdictState* selected() const;
  void saveVerdicts();
  void saveLinks();
  void say(const QString& sentence, bool problem);

  Session& session_;
  VerdictRunner runner_;
  VerdictChoice* choice_;
  QPushButton *start_, *save_, *save_links_;
  QProgressBar* progress_;
  StyledLabel *progress_text_, *message_, *sentence_, *rule_, *links_text_;
  QStandardItemModel *rows_, *links_;
  QTableView *table_, *links_table_;
  QTimer links_timer_;  // links are counted less often than a prompt is judged
};

}  // namespace qkscope
