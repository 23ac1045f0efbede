#include "app/scheduler.h"

#include <utility>

#include "app/problem.h"
#include "app/run_listener.h"

namespace qkscope {

bool covers(const Needs& have, const Needs& wanted) {
  Needs both = have;
  both |= wanted;
  return both == have && have.left_out == wanted.left_out;
}

void Scheduler::setModel(const std::shared_ptr<const LanguageModel>& model) {
  if (model != model_) forgetBackground();
  model_ = model;
  runner_ = model ? std::make_shared<Runner>(model) : nullptr;
}

void Scheduler::forgetBackground() {
  background_ = nullptr;
  background_name_.clear();
}

std::shared_ptr<const void> Scheduler::release() {
  model_.reset();
  forgetBackground();
  return std::exchange(runner_, nullptr);
}

bool Scheduler::gives(const Job& running, const Job& job) {
  const auto same_but_needs = [](RunRequest a, RunRequest b) {
    a.needs = b.needs = {};
    return a == b;
  };
  return running.part == job.part && running.prompt == job.prompt && running.arm == job.arm &&
         same_but_needs(running.request, job.request) && covers(running.request.needs, job.request.needs);
}

bool Scheduler::replace(std::vector<Job> jobs) {
  instead_.reset();
  // What runs goes on if it still gives the first thing to do; everything else is numbered anew.
  const bool goes_on = !jobs_.empty() && !jobs.empty() && gives(jobs_.front(), jobs.front());
  for (Job& job : jobs) {
    if (goes_on && &job == &jobs.front()) {
      job = jobs_.front();
    } else {
      job.number = ++last_number_;
    }
  }
  jobs_ = std::move(jobs);
  give();
  if (!goes_on) begin();
  return goes_on;
}

void Scheduler::runInstead(std::function<void(std::stop_token)> work) {
  jobs_.clear();
  // Of which there is one, however often it is given: what it lets go of on the way is gone.
  const auto shared = std::make_shared<std::function<void(std::stop_token)>>(std::move(work));
  instead_ = {++last_number_, [shared](std::stop_token stop) { (*shared)(std::move(stop)); }};
  give();
}

void Scheduler::setBackground(const QString& name, std::function<void(std::stop_token)> work) {
  background_ = std::move(work);
  background_name_ = name;
  background_number_ = 0;
  // What is done in place of jobs goes on.
  if (instead_) return give();
  replace(jobs_);
}

void Scheduler::give() {
  std::vector<TaskThread::Task> tasks;
  if (instead_) tasks.push_back(*instead_);
  for (const Job& job : jobs_) tasks.push_back(task(job));
  if (background_) {
    // Where nothing comes before it, it goes on; else it has another turn.
    if (!tasks.empty() || background_number_ == 0) background_number_ = ++last_number_;
    tasks.push_back({background_number_, background_});
  }
  thread_.replace(std::move(tasks));
}

Job Scheduler::takeFirst() {
  Job job = std::move(jobs_.front());
  jobs_.erase(jobs_.begin());
  begin();
  return job;
}

void Scheduler::begin() {
  clock_.restart();
  layers_done_ = 0;
}

bool Scheduler::passIsAlmostDone() const {
  constexpr double moment = 150;  // ms
  return layers_done_ > 0 && static_cast<double>(elapsed()) * (1 / layers_done_ - 1) < moment;
}

TaskThread::Task Scheduler::task(const Job& job) {
  const std::uint64_t number = job.number;
  return {
      number, [this, number, request = job.request, model = model_, runner = runner_](std::stop_token stop) {
        // Runs `take` on the window's thread, with the job where it still heads the list.
        const auto post = [this, number](auto take) {
          QMetaObject::invokeMethod(this, [this, number, take = std::move(take)] {
            if (jobs_.empty() || jobs_.front().number != number) return;
            // A copy: whoever is told may ask for other jobs.
            take(Job(jobs_.front()));
          });
        };
        RunListener::Receiver receiver;
        receiver.partial = [=, this](Arm arm, Capture capture) {
          post([=, this, capture = std::move(capture)](const Job& j) { Q_EMIT captured(j, arm, capture); });
        };
        receiver.layer = [=, this](Arm arm, int done, int total) {
          post([=, this](const Job& j) {
            layers_done_ = static_cast<double>(done) / total;
            Q_EMIT layerDone(j, arm, done, total);
          });
        };
        receiver.prefilled = [=, this](Arm arm, const std::shared_ptr<const Run>& run) {
          post([=, this](const Job& j) { Q_EMIT prefilled(j, arm, run); });
        };
        receiver.text = [=, this](Arm arm, const QString& text) {
          post([=, this](const Job& j) { Q_EMIT written(j, arm, text); });
        };
        receiver.scored = [=, this](Arm arm, const Perplexity& perplexity) {
          post([=, this](const Job& j) { Q_EMIT scored(j, arm, perplexity); });
        };
        const auto problem = problemOf(
            tr("There is not enough memory for this run: shorten the prompt or look at fewer layers."), [&] {
              RunListener listener(*model, std::move(receiver));
              const Comparison comparison = runner->compare(request, listener.events(), stop);
              post([=, this](const Job&) { Q_EMIT finished(takeFirst(), comparison); });
            });
        if (problem && !problem->isEmpty())
          post([=, this](const Job&) { Q_EMIT failed(takeFirst(), *problem); });
      }};
}

}  // namespace qkscope
