#include "app/session.h"

#include <algorithm>
#include <set>
#include <utility>

#include "app/run_listener.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

bool covers(const Needs& have, const Needs& wanted) {
  Needs both = have;
  both |= wanted;
  return both == have;
}

/// The request without what only pictures depend on.
RunRequest withoutNeeds(RunRequest request) {
  request.needs = {};
  return request;
}

}  // namespace

Session::Session(QObject* parent)
    : QObject(parent),
      stack_(parse_disruption("lambda 5 on Q")),
      reader_([this](const Prompt& prompt, const ReadPrompt& read) { takeRead(prompt, read); }) {
  data_.state = DataState::NoModel;
  planner_.setSingleShot(true);
  planner_.setInterval(0ms);
  connect(&planner_, &QTimer::timeout, this, &Session::plan);
  stale_timer_.setSingleShot(true);
  stale_timer_.setInterval(200ms);
  connect(&stale_timer_, &QTimer::timeout, this, &Session::markStale);
  connect(&stack_, &DisruptionStack::changed, this, &Session::schedule);
}

Session::~Session() = default;

bool Session::isBusy() const {
  const auto unread = [this](const Prompt& prompt) { return !answers(prompt.id).read(); };
  return loading_ || inspecting_ || !pending_.empty() || planner_.isActive() ||
         (model_ && !paused_ && std::ranges::any_of(prompts_, unread));
}

// ---- what is asked

void Session::cancel() {
  stopWork();
  paused_ = true;
  showResults();
  showData();
  Q_EMIT busyChanged();
}

void Session::resume() {
  const bool was_paused = std::exchange(paused_, false);
  const auto open = [this](const PromptResult& result) {
    const auto waits = [](ArmState state) {
      return state != ArmState::Done && state != ArmState::Off && state != ArmState::NotRun;
    };
    return waits(result.baseline_status.state) || waits(result.disrupted_status.state);
  };
  const bool all = !was_paused && !unpictured_ && std::ranges::none_of(results_, open);
  unpictured_.reset();
  if (all && model_) {
    // Nothing is left to do, so all of it is done once more, from the first layer on.
    finished_.clear();
    pictured_.reset();
    runner_ = std::make_shared<Runner>(model_);
  }
  for (const Prompt& prompt : prompts_) {
    Answers& mine = answers(prompt.id);
    const bool refused = mine.read() && mine.read()->ids.empty();
    if (refused) mine.setUnread();
    mine.forget(/*failures_only=*/!all);
  }
  schedule();
}

void Session::setPrompts(std::vector<Prompt> prompts, int selected) {
  std::set<PromptId> taken;
  for (Prompt& prompt : prompts) {
    // Of two that bear one id, a prompt and its copy, the second is new.
    if (prompt.id != 0 && !taken.insert(prompt.id).second) prompt.id = 0;
  }
  for (Prompt& prompt : prompts) {
    if (prompt.id == 0) {
      const auto equal = std::ranges::find_if(prompts_, [&](Prompt before) {
        return !taken.contains(std::exchange(before.id, 0)) && before == prompt;
      });
      prompt.id = equal == prompts_.end() ? ++last_id_ : equal->id;
      taken.insert(prompt.id);
    }
    last_id_ = std::max(last_id_, prompt.id);
    const auto before = std::ranges::find(prompts_, prompt.id, &Prompt::id);
    if (before == prompts_.end() || *before != prompt) answers_[prompt.id].setUnread();
  }
  std::erase_if(answers_, [&taken](const auto& entry) { return !taken.contains(entry.first); });
  prompts_ = std::move(prompts);
  selected_ = std::clamp(selected, 0, std::max(0, static_cast<int>(prompts_.size()) - 1));
  results_.assign(prompts_.size(), {});
  schedule();
  for (std::size_t i = 0; i < prompts_.size(); ++i) results_[i] = resultOf(prompts_[i].id);
  Q_EMIT promptsChanged();
}

void Session::selectPrompt(int index) {
  if (index == selected_ || index < 0 || index >= static_cast<int>(prompts_.size())) return;
  selected_ = index;
  Q_EMIT promptsChanged();
  schedule();
}

void Session::setNeeds(const Needs& needs) {
  if (needs == needs_) return;
  needs_ = needs;
  schedule();
}

void Session::setMaxNewTokens(int count) {
  if (count == max_new_tokens_) return;
  max_new_tokens_ = count;
  schedule();
}

void Session::setPromptLoss(bool on) {
  if (on == prompt_loss_) return;
  prompt_loss_ = on;
  schedule();
}

// ---- what is to be done

PromptId Session::selectedId() const {
  return prompts_.empty() ? 0 : prompts_[static_cast<std::size_t>(selected_)].id;
}

bool Session::hasTokens(PromptId id) const {
  const auto found = answers_.find(id);
  return model_ && found != answers_.end() && found->second.read() && !found->second.read()->ids.empty();
}

RunRequest Session::request(PromptId id, Part part) const {
  const ReadPrompt& read = *answers(id).read();
  RunRequest request;
  request.prompt = read.ids;
  request.stop_tokens = model_->stop_tokens();
  if (part == Part::PromptLoss) {
    request.score_prompt = true;
    return request;
  }
  request.edits = stack_.applied();
  if (id == selectedId()) request.needs = needs_;
  if (part == Part::Answer) {
    request.max_new_tokens = max_new_tokens_;
    request.expected = read.expected;
    request.score_continuation = true;
  }
  return request;
}

Question Session::question(PromptId id) const {
  Question question;
  question.disrupted = stack_.isOn();
  question.stopped = paused_;
  if (!model_ && !loading_) return question;
  if (hasTokens(id)) {
    if (max_new_tokens_ > 0) question.answer = request(id, Part::Answer);
    if (prompt_loss_) question.loss = request(id, Part::PromptLoss);
  }
  const auto mine = [id](const Job& job) { return job.prompt == id && job.part != Part::PromptLoss; };
  if (!pending_.empty() && mine(pending_.front())) {
    question.progress = Question::Progress::Running;
  } else if (!paused_ && (max_new_tokens_ > 0 || id == selectedId())) {
    question.progress = Question::Progress::Waiting;
  }
  return question;
}

bool Session::picturesAreThere() const {
  if (!pictured_ || !hasTokens(selectedId())) return false;
  const RunRequest now = request(selectedId(), Part::Pictures);
  return pictured_->prompt == now.prompt && pictured_->edits == now.edits &&
         covers(pictured_->needs, now.needs);
}

std::vector<Session::Job> Session::wanted() const {
  std::vector<Job> jobs;
  std::vector<PromptId> order;
  if (hasTokens(selectedId())) order.push_back(selectedId());
  for (const Prompt& prompt : prompts_) {
    if (prompt.id != selectedId() && max_new_tokens_ > 0 && hasTokens(prompt.id)) order.push_back(prompt.id);
  }
  for (const PromptId id : order) {
    const RunRequest answer = request(id, Part::Answer);
    if (max_new_tokens_ > 0 && !answers(id).isSettled(answer)) {
      jobs.push_back({0, Part::Answer, id, answer});
    } else if (id == selectedId() && !picturesAreThere()) {
      const RunRequest pictures = request(id, Part::Pictures);
      if (!unpictured_ || unpictured_->request != pictures) jobs.push_back({0, Part::Pictures, id, pictures});
    }
  }
  if (!prompt_loss_) return jobs;
  for (const PromptId id : order) {
    const RunRequest loss = request(id, Part::PromptLoss);
    if (loss.prompt.size() > 1 && !answers(id).hasLosses(loss))
      jobs.push_back({0, Part::PromptLoss, id, loss});
  }
  return jobs;
}

bool Session::tells(const Finished& finished, const Job& job) {
  const RunRequest &has = finished.request, &asked = job.request;
  if (job.part != Part::Pictures) return has == asked;
  return has.prompt == asked.prompt && has.edits == asked.edits && covers(has.needs, asked.needs);
}

bool Session::gives(const Job& running, const Job& job) {
  return running.part == job.part && running.prompt == job.prompt &&
         withoutNeeds(running.request) == withoutNeeds(job.request) &&
         covers(running.request.needs, job.request.needs);
}

void Session::schedule() {
  paused_ = false;
  if (loading_ || planner_.isActive()) return;
  planner_.start();
  Q_EMIT busyChanged();
}

void Session::readPrompts() {
  std::vector<Prompt> unread;
  for (const Prompt& prompt : prompts_) {
    if (!answers(prompt.id).read()) unread.push_back(prompt);
  }
  // The selected one is waited for most.
  std::ranges::stable_partition(unread, [this](const Prompt& p) { return p.id == selectedId(); });
  reader_.read(model_, unread);
}

void Session::plan() {
  if (loading_ || paused_) return;
  if (model_) readPrompts();
  std::vector<Job> jobs;
  for (Job& job : wanted()) {
    const auto known = std::ranges::find_if(finished_, [&](const Finished& f) { return tells(f, job); });
    if (known == finished_.end()) {
      jobs.push_back(std::move(job));
    } else {
      accept(job, Comparison(known->comparison));
    }
  }
  // What runs goes on if it still gives the first thing to do; everything else is numbered anew.
  const bool goes_on = !pending_.empty() && !jobs.empty() && gives(pending_.front(), jobs.front());
  for (Job& job : jobs) {
    if (goes_on && &job == &jobs.front()) {
      job = pending_.front();
    } else {
      job.number = ++last_number_;
    }
  }
  pending_ = std::move(jobs);
  std::vector<TaskThread::Task> tasks;
  for (const Job& job : pending_) tasks.push_back(task(job));
  thread_.replace(std::move(tasks));
  if (!goes_on) {
    prefilled_baseline_.reset();
    job_clock_.restart();
  }
  if (!pending_.empty()) stale_timer_.start();
  showResults();
  showData();
  Q_EMIT busyChanged();
}

TaskThread::Task Session::task(const Job& job) {
  const std::uint64_t number = job.number;
  return {number,
          [this, number, request = job.request, model = model_, runner = runner_](std::stop_token stop) {
            // Runs `take` on the window's thread.
            const auto post = [this](auto take) { QMetaObject::invokeMethod(this, std::move(take)); };
            RunListener::Receiver receiver;
            receiver.partial = [=, this](Arm arm, Capture capture) {
              post([=, this, capture = std::move(capture)] { takePart(number, arm, capture); });
            };
            receiver.layer = [=, this](Arm arm, int done, int total) {
              post([=, this] {
                if (current(number) == nullptr) return;
                const QString words =
                    arm == Arm::Baseline ? tr("baseline, layer %1 of %2") : tr("disrupted, layer %1 of %2");
                Q_EMIT progress(words.arg(done).arg(total), static_cast<quint64>(done),
                                static_cast<quint64>(total));
              });
            };
            receiver.prefilled = [=, this](Arm arm, const std::shared_ptr<const Run>& run) {
              post([=, this] { takePrefilled(number, arm, run); });
            };
            receiver.text = [=, this](Arm arm, const QString& text) {
              post([=, this] { takeText(number, arm, text); });
            };
            receiver.scored = [=, this](Arm arm, const Perplexity& perplexity) {
              post([=, this] { takeScore(number, arm, perplexity); });
            };
            QString problem;
            try {
              RunListener listener(*model, std::move(receiver));
              const Comparison comparison = runner->compare(request, listener.events(), stop);
              post([=, this] { takeComparison(number, comparison); });
              return;
            } catch (const Cancelled&) {
              return;
            } catch (const std::bad_alloc&) {
              problem =
                  tr("There is not enough memory for this run: shorten the prompt or look at fewer layers.");
            } catch (const std::exception& error) {
              problem = QString::fromUtf8(error.what());
            }
            post([=, this] { takeError(number, problem); });
          }};
}

}  // namespace qkscope
