#pragma once
#include <QDialog>
#include <optional>
#include <string>
#include <vector>

#include "app/corpus_runner.h"
#include "core/run/edit.h"

class QProgressBar;
class QPushButton;
class QStandardItemModel;
class QTabWidget;
class QTableView;

namespace qkscope {

class CorpusForm;
class CurvePlot;
class StyledLabel;

/// Massive activations over a corpus of the user's: which layers have any, at which tokens and dims, and the
/// perplexity without them, beside what was published. Computed while nothing else is asked; what is done is
/// kept and found again. Closing it stops nothing.
class CorpusWindow : public QDialog {
  Q_OBJECT
 public:
  CorpusWindow(Session& session, QWidget* parent);

  CorpusRunner& runner() { return runner_; }
  /// Which numbers are massive, from the next start on.
  void setRule(const ActivationRule& rule);

 Q_SIGNALS:
  /// To be looked at in the window, where the prompt has such a position; -1: none.
  void placeChosen(int layer, int position);
  /// To be done in the window.
  void editChosen(const qkscope::Edit& edit);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  QWidget* makeHead();
  QWidget* makePages();
  QWidget* makeFoot();
  QTableView* makeTable(QStandardItemModel* rows, const QString& name, const QString& words);
  void startOrStop();
  void showTold();
  void showProgress();
  QString progressWords() const;
  void choose(ActivationEdit::Set set, bool control);
  void exportTable();
  void say(const QString& sentence, bool problem);

  Session& session_;
  CorpusRunner runner_;
  ActivationRule rule_;

  CorpusForm* form_ = nullptr;
  StyledLabel *rule_words_ = nullptr, *progress_text_ = nullptr, *message_ = nullptr;
  StyledLabel *layers_words_ = nullptr, *places_words_ = nullptr, *arms_words_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QPushButton *start_ = nullptr, *save_ = nullptr;
  std::vector<QPushButton*> edits_;
  QTabWidget* pages_ = nullptr;
  CurvePlot* curve_ = nullptr;
  QTableView *places_table_ = nullptr, *arms_table_ = nullptr;
  QStandardItemModel *places_ = nullptr, *arms_ = nullptr;
  // What the tables hold; nothing: to be filled anew.
  std::optional<std::vector<MassivePlace>> shown_places_;
  std::optional<std::string> shown_arms_;
};

}  // namespace qkscope
