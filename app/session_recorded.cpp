#include "app/session.h"

// The part of Session that answers from recorded runs.

namespace qkscope {

void Session::readRecorded(const std::filesystem::path& path) {
  readFile(path, [this, path](std::stop_token stop) -> std::function<void()> {
    return [this, path, document = read_recorded(path, stop)] { Q_EMIT recordedRead(path, document); };
  });
}

void Session::showRecording(const std::shared_ptr<const Recording>& recording) {
  stopWork();
  useModel(store_.show(0));
  forget(recorded_);
  answering_ = recorded_;
  recording_ = recording;
  data_.card = std::make_shared<const ModelCard>(recording->card);
  data_.recorded = recordedWords(*recording);
  Q_EMIT modelChanged();
  schedule();
  showResults();
  showData(/*changed=*/true);
}

void Session::readRecordedPrompts() {
  for (const Prompt& prompt : prompts_) {
    if (!answers(prompt.id).read()) answers(prompt.id).setRead(qkscope::readRecorded(*recording_, prompt));
  }
}

void Session::answerRecorded(const Job& job) {
  const auto prompt = std::ranges::find(prompts_, job.prompt, &Prompt::id);
  const RecordedPrompt* recorded = recordedPrompt(*recording_, *prompt);
  if (!recorded || !job.isWaitedFor()) return;
  const RecordedRun *baseline = recorded->find({}), *arm = recorded->find(job.request.edits);
  Comparison comparison{job.request, baseline->run, nullptr};
  if (!job.request.edits.empty()) {
    if (!arm) {
      prefilled_baseline_ = baseline->run;
      return takeError(job, tr("These runs were recorded on %1, without this arm: new edits need the model "
                               "(Ctrl+O).")
                                .arg(data_.recorded));
    }
    comparison.disrupted = arm->run;
  }
  const bool scored = comparison.baseline->prompt_text && (!arm || arm->run->prompt_text);
  if (job.part == Part::PromptLoss && !scored) {
    answers(job.prompt).setLosses(job.request, job.arm, nullptr);
    return;
  }
  accept(job, comparison);
}

}  // namespace qkscope
