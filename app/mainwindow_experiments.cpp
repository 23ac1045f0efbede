#include <algorithm>

#include "app/experiments_window.h"
#include "app/mainwindow.h"

// The window of experiments, and its questions asked here.

namespace qkscope {

void MainWindow::showExperiments() {
  if (!experiments_) {
    experiments_ = new ExperimentsWindow(session_, this);
    connect(experiments_, &ExperimentsWindow::openRequested, this, &MainWindow::askFromExperiment);
  }
  experiments_->show();
  experiments_->raise();
  experiments_->activateWindow();
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
