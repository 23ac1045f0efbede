#include "app/prompt_text.h"
#include "app/session.h"

// The half of Session that takes the thread's answers.

namespace qkscope {

namespace {

// A pass that is shorter than this is shown when it is done; a longer one layer by layer.
constexpr qint64 kPatienceMs = 250;
// Pictures kept so that going back costs nothing.
constexpr std::size_t kFinishedCount = 24;
constexpr std::size_t kFinishedBytes = std::size_t{256} << 20;

std::size_t bytes(const std::shared_ptr<const Run>& run) {
  if (!run) return 0;
  std::size_t sum = 0;
  for (const auto* arrays : {&run->capture.norms, &run->capture.values}) {
    for (const auto& [where, array] : *arrays) sum += array.data.size() * sizeof(float);
  }
  return sum;
}

std::size_t bytes(const Comparison& comparison) {
  return bytes(comparison.baseline) + bytes(comparison.disrupted);
}

/// `newer` where it has a layer, else `older`: what is known while a pass over the same prompt runs.
Capture overlay(Capture newer, const Capture& older) {
  newer.norms.insert(older.norms.begin(), older.norms.end());
  newer.values.insert(older.values.begin(), older.values.end());
  return newer;
}

}  // namespace

const Session::Job* Session::current(std::uint64_t number) const {
  return !pending_.empty() && pending_.front().number == number ? &pending_.front() : nullptr;
}

void Session::markStale() {
  if (pending_.empty() || data_.stale || !data_.comparison) return;
  if (pending_.front().prompt != selected_ || picturesAreThere()) return;
  data_.stale = true;
  Q_EMIT dataChanged();
}

PromptArm& Session::arm(PromptResult& result, Arm which) {
  std::optional<PromptArm>& arm = which == Arm::Baseline ? result.baseline : result.disrupted;
  if (!arm) arm.emplace();
  return *arm;
}

void Session::takePart(std::uint64_t number, Arm arm, const Capture& part) {
  const Job* job = current(number);
  if (job == nullptr || job->prompt != selected_ || job->part == Part::PromptLoss) return;
  if (job_clock_.elapsed() < kPatienceMs || picturesAreThere()) return;
  Comparison shown;
  shown.request = job->request;
  const bool same_prompt = data_.comparison && data_.comparison->request.prompt == job->request.prompt;
  if (same_prompt) {
    shown.baseline = data_.comparison->baseline;
    shown.disrupted = data_.comparison->disrupted;
  }
  std::shared_ptr<const Run>& mine = arm == Arm::Baseline ? shown.baseline : shown.disrupted;
  auto run = std::make_shared<Run>();
  run->capture = mine ? overlay(part, mine->capture) : part;
  run->capture.positions = static_cast<int>(job->request.prompt.size());
  data_.stale = mine != nullptr;
  mine = std::move(run);
  data_.comparison = std::make_shared<const Comparison>(std::move(shown));
  data_.pieces = results_[static_cast<std::size_t>(selected_)].pieces;
  pictured_.reset();
  Q_EMIT dataChanged();
}

void Session::takePrefilled(std::uint64_t number, Arm arm, const std::shared_ptr<const Run>& run) {
  const Job* job = current(number);
  if (job == nullptr || job->part == Part::PromptLoss) return;
  if (job->part == Part::Answer) {
    PromptResult& result = results_[static_cast<std::size_t>(job->prompt)];
    PromptArm& mine = this->arm(result, arm);
    // A baseline that stands already is not written again letter by letter.
    if (arm == Arm::Disrupted || !mine.complete) {
      mine = {};
      mine.next = nextTokens(*model_, *run);
    }
    if (arm == Arm::Disrupted || job->request.disruptions.empty()) result.stale = false;
    if (job->request.disruptions.empty()) result.disrupted.reset();
    Q_EMIT resultChanged(job->prompt);
  }
  if (job->prompt != selected_) return;

  Comparison shown;
  shown.request = job->request;
  if (arm == Arm::Baseline) {
    prefilled_baseline_ = run;
    // With a disruption the pair is shown at once, unless it takes long.
    if (!job->request.disruptions.empty() && job_clock_.elapsed() < kPatienceMs) return;
    shown.baseline = run;
  } else {
    shown.baseline = prefilled_baseline_;
    shown.disrupted = run;
  }
  if (!shown.baseline) return;
  showPictures(job->request, shown);
}

void Session::takeText(std::uint64_t number, Arm arm, const QString& text) {
  const Job* job = current(number);
  if (job == nullptr || job->part != Part::Answer) return;
  PromptArm& mine = this->arm(results_[static_cast<std::size_t>(job->prompt)], arm);
  if (mine.complete) return;
  mine.answer += text;
  Q_EMIT progress(arm == Arm::Baseline ? tr("baseline, answer") : tr("disrupted, answer"), 0, 0);
  Q_EMIT resultChanged(job->prompt);
}

void Session::takeScore(std::uint64_t number, Arm arm, const Perplexity& perplexity) {
  const Job* job = current(number);
  if (job == nullptr || job->part != Part::Answer ||
      perplexity.definition != PerplexityDefinition::Continuation)
    return;
  PromptArm& mine = this->arm(results_[static_cast<std::size_t>(job->prompt)], arm);
  mine.continuation = perplexity;
  mine.continuation_pieces = pieceTexts(*model_, perplexity.tokens);
  Q_EMIT resultChanged(job->prompt);
}

void Session::takeComparison(std::uint64_t number, const Comparison& comparison) {
  if (current(number) == nullptr) return;
  const Job job = pending_.front();
  pending_.erase(pending_.begin());
  prefilled_baseline_.reset();
  finished_.push_front({job.request, comparison});
  std::size_t sum = 0;
  for (std::size_t i = 0; i < finished_.size(); ++i) {
    sum += bytes(finished_[i].comparison);
    if (i > 0 && (i >= kFinishedCount || sum > kFinishedBytes)) finished_.resize(i);
  }
  accept(job, comparison);
  job_clock_.restart();
  if (pending_.empty()) Q_EMIT busyChanged();
}

void Session::accept(const Job& job, const Comparison& comparison) {
  PromptResult& result = results_[static_cast<std::size_t>(job.prompt)];
  Slot& slot = slots_[static_cast<std::size_t>(job.prompt)];
  const auto both = [&](auto&& take) {
    if (comparison.baseline) take(arm(result, Arm::Baseline), *comparison.baseline);
    if (comparison.disrupted) take(arm(result, Arm::Disrupted), *comparison.disrupted);
  };
  if (job.part == Part::Answer) {
    both([this](PromptArm& mine, const Run& run) {
      std::vector<float> loss = std::move(mine.prompt_loss);
      mine = describeRun(*model_, run, true);
      mine.prompt_loss = std::move(loss);
    });
    if (!comparison.disrupted) result.disrupted.reset();
    result.stale = false;
    result.problem.clear();
    slot.answered = withoutNeeds(job.request);
  } else if (job.part == Part::PromptLoss) {
    both([](PromptArm& mine, const Run& run) {
      if (run.prompt_text) mine.prompt_loss = run.prompt_text->nll;
    });
    slot.loss = job.request;
  }
  if (job.part != Part::Pictures) Q_EMIT resultChanged(job.prompt);
  if (job.part != Part::PromptLoss && job.prompt == selected_) showPictures(job.request, comparison);
}

void Session::showPictures(const RunRequest& request, const Comparison& comparison) {
  data_.comparison = std::make_shared<const Comparison>(comparison);
  data_.pieces = results_[static_cast<std::size_t>(selected_)].pieces;
  data_.stale = false;
  const bool complete = comparison.baseline && (request.disruptions.empty() || comparison.disrupted);
  if (complete) {
    pictured_ = request;
    times_.positions = comparison.baseline->capture.positions;
    // A pass that came from the runner's memory cost nothing and says so with 0; what it once cost stays.
    if (comparison.baseline->prefill_ms > 0) times_.baseline_ms = comparison.baseline->prefill_ms;
    times_.disrupted_ms.reset();
    if (comparison.disrupted) {
      times_.disrupted_ms = comparison.disrupted->prefill_ms;
      times_.first_layer = comparison.disrupted->first_layer;
    }
  }
  Q_EMIT dataChanged();
}

void Session::takeError(std::uint64_t number, const QString& sentence) {
  if (current(number) == nullptr) return;
  const Job job = pending_.front();
  pending_.erase(pending_.begin());
  // Not asked again until the question changes.
  Slot& slot = slots_[static_cast<std::size_t>(job.prompt)];
  PromptResult& result = results_[static_cast<std::size_t>(job.prompt)];
  if (job.part == Part::PromptLoss) {
    slot.loss = job.request;
  } else {
    if (job.part == Part::Answer) slot.answered = withoutNeeds(job.request);
    if (job.prompt == selected_) pictured_ = job.request;
    result.problem = sentence;
  }
  Q_EMIT resultChanged(job.prompt);
  Q_EMIT failed(sentence);
  if (pending_.empty()) Q_EMIT busyChanged();
}

}  // namespace qkscope
