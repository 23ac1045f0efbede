#include <algorithm>
#include <set>

#include "app/session.h"
#include "core/base/capture_bytes.h"

// The part of Session that takes what the threads report, and tells it.

namespace qkscope {

namespace {

// A pass that is shorter than this is shown when it is done; a longer one layer by layer.
constexpr qint64 kPatienceMs = 250;
// Kept so that going back costs nothing.
constexpr std::size_t kFinishedCount = 128;
constexpr std::uint64_t kFinishedBytes = std::uint64_t{256} << 20;

/// `newer` where it has a layer, else `older`: what is known while a pass over the same prompt runs.
Capture overlay(Capture newer, const Capture& older) {
  newer.norms.insert(older.norms.begin(), older.norms.end());
  newer.values.insert(older.values.begin(), older.values.end());
  return newer;
}

/// Whose answer an event tells.
ArmId told(const Job& job, Arm arm) {
  return arm == Arm::Baseline ? 0 : job.arm;
}

}  // namespace

void Session::connectScheduler() {
  connect(&scheduler_, &Scheduler::captured, this, &Session::takePart);
  connect(&scheduler_, &Scheduler::layerDone, this, [this](const Job& job, Arm arm, int done, int total) {
    if (!isAsked(job) || !job.isWaitedFor()) return;
    const QString words =
        arm == Arm::Baseline ? tr("baseline, layer %1 of %2") : tr("disrupted, layer %1 of %2");
    Q_EMIT progress(words.arg(done).arg(total), static_cast<quint64>(done), static_cast<quint64>(total));
  });
  connect(&scheduler_, &Scheduler::prefilled, this, &Session::takePrefilled);
  connect(&scheduler_, &Scheduler::written, this, &Session::takeText);
  connect(&scheduler_, &Scheduler::scored, this, &Session::takeScore);
  connect(&scheduler_, &Scheduler::finished, this, &Session::takeComparison);
  connect(&scheduler_, &Scheduler::failed, this, &Session::takeError);
}

bool Session::isAsked(const Job& job) const {
  // The question may have changed since: then this answers nothing that is asked.
  if (!hasTokens(job.prompt) || (job.part == Part::Trial && !trial_)) return false;
  RunRequest asked = request(job.prompt, job.part, job.arm);
  asked.needs = job.request.needs;
  return asked == job.request;
}

bool Session::isPictured(const Job& job) const {
  return (job.part == Part::Answer || job.part == Part::Pictures) && job.prompt == selectedId() &&
         job.arm == picturedArm();
}

// ---- from the threads

void Session::takeRead(const Prompt& prompt, const ReadPrompt& read) {
  const auto now = std::ranges::find(prompts_, prompt.id, &Prompt::id);
  if (now == prompts_.end() || *now != prompt) return;
  answers(prompt.id).setRead(read);
  schedule();
  showResult(prompt.id);
  showData();
  Q_EMIT busyChanged();
}

void Session::takePart(const Job& job, Arm arm, const Capture& part) {
  if (!isAsked(job) || !isPictured(job)) return;
  if (scheduler_.elapsed() < kPatienceMs || scheduler_.passIsAlmostDone() || picturesAreThere()) return;
  Comparison shown;
  shown.request = job.request;
  const bool same_prompt = data_.comparison && data_.comparison->request.prompt == job.request.prompt;
  if (same_prompt) {
    shown.baseline = data_.comparison->baseline;
    shown.disrupted = data_.comparison->disrupted;
  }
  std::shared_ptr<const Run>& mine = arm == Arm::Baseline ? shown.baseline : shown.disrupted;
  auto run = std::make_shared<Run>();
  run->capture = mine ? overlay(part, mine->capture) : part;
  run->capture.positions = static_cast<int>(job.request.prompt.size());
  data_.stale = mine != nullptr;
  mine = std::move(run);
  data_.comparison = std::make_shared<const Comparison>(std::move(shown));
  data_.pieces = answers(job.prompt).read()->described.pieces;
  pictured_.reset();
  showData(/*changed=*/true);
}

void Session::takePrefilled(const Job& job, Arm arm, const std::shared_ptr<const Run>& run) {
  if (!isAsked(job) || (job.part != Part::Answer && job.part != Part::Pictures)) return;
  if (isPictured(job)) showPrefilled(job, arm, run);  // first: the pictures are waited for
  if (job.part != Part::Answer) return;
  answers(job.prompt).begin(job.request, told(job, arm), nextTokens(texts(), *run));
  showResult(job.prompt);
}

void Session::showPrefilled(const Job& job, Arm arm, const std::shared_ptr<const Run>& run) {
  Comparison shown;
  shown.request = job.request;
  if (arm == Arm::Baseline) {
    prefilled_baseline_ = run;
    // With a disruption the pair is shown at once, unless it takes long.
    if (!job.request.edits.empty() && scheduler_.elapsed() < kPatienceMs) return;
    shown.baseline = run;
  } else {
    shown.baseline = prefilled_baseline_;
    shown.disrupted = run;
  }
  if (!shown.baseline || picturesAreThere()) return;
  showPictures(job.request, shown);
}

void Session::takeText(const Job& job, Arm arm, const QString& text) {
  if (!isAsked(job) || job.part != Part::Answer) return;
  answers(job.prompt).setText(job.request, told(job, arm), text);
  Q_EMIT progress(arm == Arm::Baseline ? tr("baseline, answer") : tr("disrupted, answer"), 0, 0);
  showResult(job.prompt);
}

void Session::takeScore(const Job& job, Arm arm, const Perplexity& perplexity) {
  if (!isAsked(job) || job.part != Part::Answer ||
      perplexity.definition != PerplexityDefinition::Continuation)
    return;
  PromptArm scored;
  describeContinuation(texts(), perplexity, scored);
  answers(job.prompt).setScore(job.request, told(job, arm), scored);
  showResult(job.prompt);
}

void Session::takeComparison(const Job& job, const Comparison& comparison) {
  prefilled_baseline_.reset();
  // Right for its own request, whatever is asked by now. Nobody goes back to a trial.
  if (job.part != Part::Trial) finished_.push_front({answering_, job.request, comparison});
  std::uint64_t sum = 0;
  std::set<const Array*> counted;
  for (std::size_t i = 0; i < finished_.size(); ++i) {
    for (const auto& run : {finished_[i].comparison.baseline, finished_[i].comparison.disrupted}) {
      if (run) sum += bytes_of(run->capture, counted);
    }
    if (i > 0 && (i >= kFinishedCount || sum > kFinishedBytes)) finished_.resize(i);
  }
  if (isAsked(job)) {
    accept(job, comparison);
    showResult(job.prompt);
  }
  showNext();
  showData();
}

/// The next question's turn has come.
void Session::showNext() {
  if (const Job* next = scheduler_.running(); next && next->isWaitedFor()) {
    showResult(PromptId(next->prompt));
  } else {
    Q_EMIT busyChanged();
  }
}

void Session::accept(const Job& job, const Comparison& comparison) {
  if (job.part == Part::Answer) {
    answers(job.prompt).finish(job.request, 0, describeRun(texts(), *comparison.baseline, true));
    if (comparison.disrupted)
      answers(job.prompt).finish(job.request, job.arm, describeRun(texts(), *comparison.disrupted, true));
  } else if (job.part == Part::PromptLoss) {
    const auto take = [&](ArmId arm, const std::shared_ptr<const Run>& run) {
      if (run && run->prompt_text)
        answers(job.prompt).setLosses(job.request, arm, tokenScores(texts(), *run->prompt_text));
    };
    take(0, comparison.baseline);
    if (job.arm != 0) take(job.arm, comparison.disrupted);
  } else if (job.part == Part::Trial) {
    trial_->answers[job.prompt] = describeRun(texts(), *comparison.disrupted, true).answer;
    std::vector<QString> answers;
    for (const Prompt& prompt : prompts_) {
      if (const auto found = trial_->answers.find(prompt.id); found != trial_->answers.end())
        answers.push_back(found->second);
    }
    if (answers.size() == prompts_.size()) endTrial(std::move(answers));
  }
  if (isPictured(job)) showPictures(job.request, comparison);
}

void Session::endTrial(std::vector<QString> answers) {
  if (!trial_) return;
  const Edits edits = std::exchange(trial_, std::nullopt)->edits;
  // Whoever is told may ask for the next one, which is planned when this is done.
  QMetaObject::invokeMethod(
      this, [this, edits, answers = std::move(answers)] { Q_EMIT tried(edits, answers); },
      Qt::QueuedConnection);
}

void Session::takeError(const Job& job, const QString& sentence) {
  if (!job.isWaitedFor()) {
    if (job.part == Part::Trial) endTrial({});
    return showNext();
  }
  const std::shared_ptr<const Run> baseline = std::exchange(prefilled_baseline_, nullptr);
  if (isAsked(job)) {
    // Not asked again until the question changes, or F5 asks it.
    if (job.part == Part::PromptLoss) {
      answers(job.prompt).setLosses(job.request, job.arm, nullptr);
      if (job.arm != 0) schedule();  // the baseline's are asked by themselves
    } else {
      answers(job.prompt).fail(job.request, job.arm, sentence);
      if (isPictured(job) && !picturesAreThere()) {
        unpictured_ = PictureFailure{request(job.prompt, Part::Pictures, job.arm), sentence};
        // Of this question's own, what there is; nothing of an earlier one.
        data_.comparison =
            baseline ? std::make_shared<const Comparison>(Comparison{job.request, baseline, nullptr})
                     : nullptr;
        data_.stale = false;
        pictured_.reset();
      }
      // What came along with it is asked by itself.
      if (job.arm != 0) schedule();
    }
    showResult(job.prompt);
    showData(/*changed=*/true);
    Q_EMIT failed(sentence);
  }
  showNext();
}

// ---- to the window

void Session::showPictures(const RunRequest& request, const Comparison& comparison) {
  const bool was_stale = std::exchange(data_.stale, false);
  data_.comparison = std::make_shared<const Comparison>(comparison);
  data_.pieces = answers(selectedId()).read()->described.pieces;
  const bool complete = comparison.baseline && (request.edits.empty() || comparison.disrupted);
  // What came with the passes is shown already: that answers stand beside it now changes no picture.
  const bool same = complete && pictured_ == request && !was_stale;
  if (complete) {
    pictured_ = request;
    unpictured_.reset();
    times_.positions = comparison.baseline->capture.positions;
    // A pass that came from the runner's memory cost nothing and says so with 0; what it once cost stays.
    if (comparison.baseline->prefill_ms > 0) times_.baseline_ms = comparison.baseline->prefill_ms;
    times_.disrupted_ms.reset();
    if (comparison.disrupted) {
      times_.disrupted_ms = comparison.disrupted->prefill_ms;
      times_.first_layer = comparison.disrupted->first_layer;
    }
  }
  showData(/*changed=*/!same);
}

void Session::showResult(PromptId id) {
  const auto at = std::ranges::find(prompts_, id, &Prompt::id);
  if (at == prompts_.end()) return;
  const auto i = static_cast<std::size_t>(at - prompts_.begin());
  PromptResult result = resultOf(id);
  if (results_[i] == result) return;
  results_[i] = std::move(result);
  Q_EMIT resultChanged(static_cast<int>(i));
}

PromptResult Session::resultOf(PromptId id) const {
  PromptResult result = answers(id).result(question(id));
  if (dump()) {
    result.baseline.status.state = ArmState::Failed;
    result.baseline.problem = tr("These are activations from a file: there is no model to run a prompt.");
  }
  return result;
}

void Session::showResults() {
  for (const Prompt& prompt : std::vector(prompts_)) showResult(prompt.id);
}

DataState Session::dataState() const {
  if (dump() && !loading_) return DataState::Current;
  if (!asksSomeone()) return loading_ ? DataState::Loading : DataState::NoModel;
  if (prompts_.empty()) return DataState::NoPrompt;
  const auto& read = answers(selectedId()).read();
  if (read && read->ids.empty()) return DataState::Failed;
  if (picturesAreThere()) return DataState::Current;
  if (read && unpictured_ && unpictured_->request == request(selectedId(), Part::Pictures, picturedArm()))
    return DataState::Failed;
  return paused_ ? DataState::Stopped : DataState::Running;
}

void Session::showData(bool changed) {
  const DataState state = dataState();
  const PromptId id = selectedId();
  QString problem;
  bool stale = data_.stale;
  if (state == DataState::Current) stale = false;
  if (state == DataState::Stopped) stale = data_.comparison != nullptr;
  if (state == DataState::Failed) {
    const bool refused = answers(id).read()->ids.empty();
    problem = refused ? answers(id).read()->described.problem : unpictured_->sentence;
    stale = false;
  }
  if (state == DataState::NoPrompt || (state == DataState::Failed && answers(id).read()->ids.empty())) {
    changed = changed || data_.comparison;
    data_.comparison.reset();
    data_.pieces.clear();
    pictured_.reset();
    stale = false;
  }
  // What views ask for may hang on it, so it is told before the run; while a prompt is being read, the last
  // one's length is the best guess.
  const bool unread = model_ && id != 0 && !answers(id).read();
  const int tokens = unread          ? data_.prompt_tokens
                     : hasTokens(id) ? static_cast<int>(answers(id).read()->ids.size())
                                     : 0;
  if (!changed && state == data_.state && problem == data_.problem && stale == data_.stale &&
      tokens == data_.prompt_tokens)
    return;
  data_.prompt_tokens = tokens;
  data_.state = state;
  data_.problem = problem;
  data_.stale = stale;
  Q_EMIT dataChanged();
}

void Session::markStale() {
  if (data_.stale || !data_.comparison || dataState() != DataState::Running) return;
  // To dim everything takes its time from the pass, and nobody would see it.
  if (scheduler_.passIsAlmostDone()) return stale_timer_.start();
  data_.stale = true;
  Q_EMIT dataChanged();
}

}  // namespace qkscope
