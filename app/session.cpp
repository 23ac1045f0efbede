#include "app/session.h"

#include <algorithm>
#include <utility>

#include "app/prompt_text.h"
#include "app/run_listener.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

bool covers(const Needs& have, const Needs& wanted) {
  Needs both = have;
  both |= wanted;
  return both == have;
}

}  // namespace

Session::Session(QObject* parent) : QObject(parent), stack_(parse_disruption("lambda 5 on Q")) {
  planner_.setSingleShot(true);
  planner_.setInterval(0ms);
  connect(&planner_, &QTimer::timeout, this, &Session::plan);
  stale_timer_.setSingleShot(true);
  stale_timer_.setInterval(200ms);
  connect(&stale_timer_, &QTimer::timeout, this, &Session::markStale);
  connect(&stack_, &DisruptionStack::changed, this, &Session::schedule);
}

Session::~Session() = default;

// ---- what is asked

void Session::load(const std::filesystem::path& path, const LoadOptions& options) {
  const ModelCard card = LanguageModel::inspect(path, options).card;
  if (!card.problem.empty()) {
    Q_EMIT failed(QString::fromStdString(card.problem));
    return;
  }
  pending_.clear();
  planner_.stop();
  paused_ = false;
  loading_ = true;
  load_number_ = ++last_number_;
  const bool room_for_two = card.free_bytes == 0 || card.needed_bytes <= card.free_bytes;
  std::shared_ptr<Runner> old_runner = std::exchange(runner_, room_for_two ? runner_ : nullptr);
  std::shared_ptr<const LanguageModel> old_model = std::exchange(model_, room_for_two ? model_ : nullptr);
  if (room_for_two) {
    old_runner.reset();
    old_model.reset();
  }

  const std::uint64_t number = load_number_;
  thread_.replace(
      {{number, [this, number, path, options, old_runner, old_model](std::stop_token stop) mutable {
          old_runner.reset();  // here, after whatever ran on it has ended
          old_model.reset();
          std::shared_ptr<const LanguageModel> model;
          std::shared_ptr<Runner> runner;
          QString problem;
          try {
            Progress progress;
            progress.stop = stop;
            progress.report = [this, number, last = std::chrono::steady_clock::time_point{}](
                                  std::string_view stage, std::uint64_t done, std::uint64_t total) mutable {
              const auto now = std::chrono::steady_clock::now();
              if (now - last < 50ms) return;
              last = now;
              const QString words = QString::fromUtf8(stage.data(), static_cast<qsizetype>(stage.size()));
              QMetaObject::invokeMethod(this, [this, number, words, done, total] {
                if (loading_ && number == load_number_) Q_EMIT this->progress(words, done, total);
              });
            };
            model = LanguageModel::load(path, options, progress);
            runner = std::make_shared<Runner>(model);
          } catch (const Cancelled&) {
          } catch (const std::bad_alloc&) {
            problem = tr("There is not enough memory for %1.")
                          .arg(QString::fromStdString(path.filename().string()));
          } catch (const std::exception& error) {
            problem = QString::fromUtf8(error.what());
          }
          QMetaObject::invokeMethod(
              this, [this, number, model, runner, problem] { takeModel(number, model, runner, problem); });
        }}});
  Q_EMIT busyChanged();
}

void Session::takeModel(std::uint64_t number, const std::shared_ptr<const LanguageModel>& model,
                        const std::shared_ptr<Runner>& runner, const QString& problem) {
  if (!loading_ || number != load_number_) return;
  loading_ = false;
  if (model) {
    model_ = model;
    runner_ = runner;
    finished_.clear();
    pictured_.reset();
    times_ = {};
    data_ = {};
    data_.card = std::make_shared<const ModelCard>(model->card());
    slots_.clear();
    refreshSlots();
    Q_EMIT modelChanged();
    Q_EMIT dataChanged();
    Q_EMIT promptsChanged();
  } else if (!model_) {
    // The old model had to make room, so there is none now.
    data_ = {};
    Q_EMIT modelChanged();
    Q_EMIT dataChanged();
  }
  if (!problem.isEmpty()) Q_EMIT failed(problem);
  Q_EMIT busyChanged();
  schedule();
}

void Session::cancel() {
  thread_.replace({});
  pending_.clear();
  planner_.stop();
  loading_ = false;
  paused_ = true;
  Q_EMIT busyChanged();
}

void Session::resume() {
  paused_ = false;
  schedule();
}

void Session::setPrompts(std::vector<Prompt> prompts, int selected) {
  // Answers move along with their prompts, wherever those stand now.
  std::vector<PromptResult> results(prompts.size());
  std::vector<Slot> slots(prompts.size());
  std::vector<bool> taken(prompts_.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    for (std::size_t old = 0; old < prompts_.size(); ++old) {
      if (taken[old] || !(prompts_[old] == prompts[i])) continue;
      taken[old] = true;
      if (old < results_.size()) results[i] = std::move(results_[old]);
      if (old < slots_.size()) slots[i] = std::move(slots_[old]);
      break;
    }
  }
  prompts_ = std::move(prompts);
  results_ = std::move(results);
  slots_ = std::move(slots);
  selected_ = std::clamp(selected, 0, std::max(0, static_cast<int>(prompts_.size()) - 1));
  refreshSlots();
  Q_EMIT promptsChanged();
  schedule();
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
  for (Slot& slot : slots_) slot.answered.reset();
  schedule();
}

void Session::setPromptLoss(bool on) {
  if (on == prompt_loss_) return;
  prompt_loss_ = on;
  schedule();
}

void Session::refreshSlots() {
  slots_.resize(prompts_.size());
  results_.resize(prompts_.size());
  if (!model_) return;
  for (std::size_t i = 0; i < prompts_.size(); ++i) {
    const RenderedPrompt rendered = renderPrompt(*model_, prompts_[i]);
    TokenIds expected = continuationIds(*model_, prompts_[i].expected);
    if (slots_[i].ids == rendered.ids && slots_[i].expected == expected && !slots_[i].ids.empty()) continue;
    slots_[i] = {rendered.ids, std::move(expected), {}, {}};
    results_[i] = describePrompt(*model_, prompts_[i], rendered);
    if (rendered.ids.empty()) results_[i].problem = tr("The prompt is empty.");
  }
}

// ---- what is to be done

RunRequest Session::request(int prompt, Part part) const {
  const Slot& slot = slots_[static_cast<std::size_t>(prompt)];
  RunRequest request;
  request.prompt = slot.ids;
  request.disruptions = stack_.applied();
  request.stop_tokens = model_->stop_tokens();
  if (part != Part::PromptLoss && prompt == selected_) request.needs = needs_;
  if (part == Part::Answer) {
    request.max_new_tokens = max_new_tokens_;
    request.expected = slot.expected;
    request.score_continuation = true;
  }
  request.score_prompt = part == Part::PromptLoss;
  return request;
}

bool Session::picturesAreThere() const {
  if (!pictured_) return false;
  const RunRequest now = request(selected_, Part::Pictures);
  return pictured_->prompt == now.prompt && pictured_->disruptions == now.disruptions &&
         covers(pictured_->needs, now.needs);
}

std::vector<Session::Job> Session::wanted() const {
  std::vector<Job> jobs;
  if (!model_) return jobs;
  std::vector<int> order;
  const int count = static_cast<int>(prompts_.size());
  if (count > 0) order.push_back(selected_);
  for (int i = 0; i < count; ++i) {
    if (i != selected_ && max_new_tokens_ > 0) order.push_back(i);
  }
  for (const int i : order) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    if (slot.ids.empty()) continue;
    const RunRequest answer = request(i, Part::Answer);
    if (max_new_tokens_ > 0 && slot.answered != withoutNeeds(answer)) {
      jobs.push_back({0, Part::Answer, i, answer});
    } else if (i == selected_ && !picturesAreThere()) {
      jobs.push_back({0, Part::Pictures, i, request(i, Part::Pictures)});
    }
  }
  if (!prompt_loss_) return jobs;
  for (const int i : order) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    const RunRequest loss = request(i, Part::PromptLoss);
    if (slot.ids.size() > 1 && slot.loss != loss) jobs.push_back({0, Part::PromptLoss, i, loss});
  }
  return jobs;
}

RunRequest Session::withoutNeeds(RunRequest request) {
  request.needs = {};
  return request;
}

bool Session::gives(const Job& running, const Job& job) {
  return running.part == job.part && running.prompt == job.prompt &&
         withoutNeeds(running.request) == withoutNeeds(job.request) &&
         covers(running.request.needs, job.request.needs);
}

void Session::tellPromptLength() {
  const auto selected = static_cast<std::size_t>(selected_);
  const int tokens = selected < slots_.size() ? static_cast<int>(slots_[selected].ids.size()) : 0;
  if (tokens == data_.prompt_tokens) return;
  data_.prompt_tokens = tokens;
  Q_EMIT dataChanged();
}

void Session::schedule() {
  paused_ = false;
  tellPromptLength();  // what views ask for may hang on it
  if (loading_ || planner_.isActive()) return;
  planner_.start();
  Q_EMIT busyChanged();
}

void Session::plan() {
  if (loading_ || paused_) return;
  std::vector<Job> jobs;
  for (Job& job : wanted()) {
    const auto known = std::find_if(finished_.begin(), finished_.end(),
                                    [&job](const Finished& f) { return f.request == job.request; });
    if (known == finished_.end()) {
      jobs.push_back(std::move(job));
    } else {
      accept(job, Comparison(known->comparison));
    }
  }
  // What runs goes on if it still gives the first thing to do; everything else is numbered anew.
  for (Job& job : jobs) {
    const bool runs = !pending_.empty() && &job == &jobs.front() && gives(pending_.front(), job);
    if (runs) {
      job = pending_.front();
    } else {
      job.number = ++last_number_;
    }
  }
  pending_ = std::move(jobs);

  std::vector<TaskThread::Task> tasks;
  std::vector<bool> stale(results_.size());
  for (const Job& job : pending_) {
    tasks.push_back(task(job));
    if (job.part == Part::Answer) stale[static_cast<std::size_t>(job.prompt)] = true;
  }
  // Also back again: a question that was dropped before it was run leaves the answer to the one before.
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (results_[i].stale == stale[i]) continue;
    results_[i].stale = stale[i];
    Q_EMIT resultChanged(static_cast<int>(i));
  }
  thread_.replace(std::move(tasks));
  if (!pending_.empty()) {
    job_clock_.restart();
    stale_timer_.start();
  }
  Q_EMIT busyChanged();
}

TaskThread::Task Session::task(const Job& job) {
  const std::uint64_t number = job.number;
  return {
      number, [this, number, request = job.request, model = model_, runner = runner_,
               decode = job.part == Part::Answer](std::stop_token stop) {
        RunListener::Receiver receiver;
        receiver.partial = [this, number](Arm arm, Capture capture) {
          QMetaObject::invokeMethod(
              this, [this, number, arm, capture = std::move(capture)] { takePart(number, arm, capture); });
        };
        receiver.layer = [this, number](Arm arm, int done, int total) {
          QMetaObject::invokeMethod(this, [this, number, arm, done, total] {
            if (current(number) == nullptr) return;
            const QString words =
                arm == Arm::Baseline ? tr("baseline, layer %1 of %2") : tr("disrupted, layer %1 of %2");
            Q_EMIT progress(words.arg(done).arg(total), static_cast<quint64>(done),
                            static_cast<quint64>(total));
          });
        };
        receiver.prefilled = [this, number](Arm arm, std::shared_ptr<const Run> run) {
          QMetaObject::invokeMethod(this, [this, number, arm, run] { takePrefilled(number, arm, run); });
        };
        receiver.text = [this, number](Arm arm, const QString& text) {
          QMetaObject::invokeMethod(this, [this, number, arm, text] { takeText(number, arm, text); });
        };
        receiver.scored = [this, number](Arm arm, const Perplexity& perplexity) {
          QMetaObject::invokeMethod(this,
                                    [this, number, arm, perplexity] { takeScore(number, arm, perplexity); });
        };
        RunListener listener(*model, std::move(receiver));
        try {
          const Comparison comparison = runner->run(request, listener.events(), stop);
          QMetaObject::invokeMethod(this, [this, number, comparison] { takeComparison(number, comparison); });
        } catch (const Cancelled&) {
        } catch (const std::bad_alloc&) {
          QMetaObject::invokeMethod(this, [this, number] {
            takeError(
                number,
                tr("There is not enough memory for this run: shorten the prompt or look at fewer layers."));
          });
        } catch (const std::exception& error) {
          QMetaObject::invokeMethod(
              this, [this, number, words = QString::fromUtf8(error.what())] { takeError(number, words); });
        }
      }};
}

}  // namespace qkscope
