#pragma once
#include <QDialog>

#include "app/effect_runner.h"

class QCheckBox;
class QProgressBar;
class QPushButton;

namespace qkscope {

class EffectCanvas;
class StyledLabel;

/// Which layer, or head, carries the answer to the selected prompt: computed while nothing else is asked,
/// painted as it comes, and each cell a click away from being the window's own edit. Closing it stops
/// nothing.
class EffectWindow : public QDialog {
  Q_OBJECT
 public:
  EffectWindow(Session& session, QWidget* parent);

  EffectRunner& runner() { return runner_; }
  /// What all cells share: the rule and the replacement of the window's disruption where that has one.
  void setDisruption(const Disruption& disruption);

 Q_SIGNALS:
  /// To be done in the window.
  void editChosen(const qkscope::Edit& edit);

 private:
  void startOrStop();
  void showMap();
  void showProgress();
  void exportTable();
  void say(const QString& sentence, bool problem);

  Session& session_;
  EffectRunner runner_;
  Disruption disruption_;
  StyledLabel *about_, *progress_text_, *message_, *hover_;
  QCheckBox* heads_;
  QPushButton *start_, *save_;
  QProgressBar* progress_;
  EffectCanvas* canvas_;
};

}  // namespace qkscope
