#include <algorithm>

#include "app/corpus_window.h"
#include "app/effect_window.h"
#include "app/experiments_window.h"
#include "app/mainwindow.h"
#include "app/question_studio.h"
#include "app/verdicts_window.h"
#include "views/shown.h"

// The windows of experiments, questions, the effect map, corpora and verdicts, and what is chosen there done
// here.

namespace qkscope {

namespace {

void bringUp(QWidget& window) {
  window.show();
  window.raise();
  window.activateWindow();
}

}  // namespace

void MainWindow::showExperiments() {
  if (!experiments_) {
    experiments_ = new ExperimentsWindow(session_, this);
    connect(experiments_, &ExperimentsWindow::openRequested, this, &MainWindow::askFromExperiment);
  }
  bringUp(*experiments_);
}

QuestionStudio& MainWindow::showQuestions() {
  if (!questions_) {
    questions_ = new QuestionStudio(session_, this);
    connect(questions_, &QuestionStudio::openRequested, this, &MainWindow::askFromExperiment);
  }
  bringUp(*questions_);
  return *questions_;
}

void MainWindow::showEffects() {
  if (!effects_) {
    effects_ = new EffectWindow(session_, this);
    connect(effects_, &EffectWindow::editChosen, this, [this](const Edit& edit) { requestEdits({edit}); });
  }
  // In place of "lambda 5" what is disrupted here, where that is by a rule.
  for (const Edit& edit : session_.arms().shown().edits) {
    if (const Disruption* disruption = edit.disruption();
        disruption && edit.on && disruption->entries.empty())
      effects_->setDisruption(*disruption);
  }
  bringUp(*effects_);
}

void MainWindow::showVerdicts() {
  if (!verdicts_) verdicts_ = new VerdictsWindow(session_, this);
  bringUp(*verdicts_);
}

void MainWindow::showCorpora() {
  if (!corpora_) {
    corpora_ = new CorpusWindow(session_, this);
    connect(corpora_, &CorpusWindow::editChosen, this, [this](const Edit& edit) { requestEdits({edit}); });
    connect(corpora_, &CorpusWindow::placeChosen, this, &MainWindow::showActivation);
    connect(&state_, &ViewState::lookChanged, corpora_,
            [this](const Look& look) { corpora_->setRule(look.activations); });
  }
  corpora_->setRule(state_.look().activations);
  bringUp(*corpora_);
}

void MainWindow::showActivation(int layer, int position) {
  if (!shownSpec()) return;
  Selection selection = state_.selection();
  selection.layer = layer;
  if (position >= 0) selection.position = position;
  state_.setSelection(clamped(selection, *shownSpec(), shownPositions(session_.data())));
  for (const char* panel : {"activations", "residual"}) showPanel(QLatin1String(panel));
}

void MainWindow::askFromExperiment(const Prompt& prompt, const EditArm& arm) {
  std::vector<Prompt> prompts = session_.prompts();
  const auto same = std::ranges::find_if(prompts, [&](const Prompt& p) {
    return p.text == prompt.text && p.expected == prompt.expected && !p.raw;
  });
  const auto index = static_cast<int>(same - prompts.begin());
  if (same == prompts.end()) prompts.push_back(prompt);

  Arms arms = session_.arms();
  arms.on = !arm.edits.empty();
  if (arms.on) {
    const auto known = std::ranges::find(arms.list, arm.edits, &EditArm::edits);
    if (known != arms.list.end()) {
      arms.chosen = static_cast<int>(known - arms.list.begin());
    } else if (arms.count() < most_arms) {
      arms = withArm(std::move(arms), arm);
    } else {
      showError(tr("There are %1 arms already: delete one of them, then ask again.").arg(most_arms));
      return;
    }
  }
  session_.setPrompts(std::move(prompts), index);
  takeArms(std::move(arms));
  raise();
  activateWindow();
}

}  // namespace qkscope
