#include "core/tasks/experiment_run.h"

#include <set>

#include "core/model/language_model.h"
#include "core/run/runner.h"
#include "core/tasks/trial.h"

namespace qkscope {

namespace {

/// The items of a shard, as (task, item).
std::vector<std::pair<std::size_t, std::size_t>> items_of(const Plan& plan, ExperimentShard shard) {
  std::vector<std::pair<std::size_t, std::size_t>> items;
  std::size_t number = 0;
  for (std::size_t task = 0; task < plan.tasks.size(); ++task) {
    for (std::size_t item = 0; item < plan.tasks[task].items.size(); ++item, ++number) {
      if (number % static_cast<std::size_t>(shard.of) == static_cast<std::size_t>(shard.number - 1))
        items.emplace_back(task, item);
    }
  }
  return items;
}

/// Those of `pending` from `first` on that are asked together: whole items, until there are as many answers
/// as are written side by side at no cost; where an answer takes long, one item, so that less is lost when
/// work is stopped.
std::size_t asked_together(const std::vector<Trial>& pending, std::size_t first, double ms_an_answer) {
  constexpr std::size_t enough = 6;
  constexpr double long_ms = 2000;
  std::size_t end = first;
  while (end < pending.size()) {
    const Trial& item = pending[end];
    while (end < pending.size() && pending[end].task == item.task && pending[end].item == item.item) ++end;
    if (end - first >= enough || ms_an_answer > long_ms) break;
  }
  return end - first;
}

}  // namespace

void run_experiment(const PlannedRuns& runs, std::shared_ptr<const LanguageModel> model, ResultStore& store,
                    ExperimentShard shard, const std::function<void(const ExperimentProgress&)>& progress,
                    std::stop_token stop) {
  const Plan& plan = runs.plan;
  Runner runner(model);
  ExperimentProgress at;
  std::vector<Trial> pending;
  std::set<std::string> keys;  // two tasks may share questions
  for (const auto& [task, item] : items_of(plan, shard)) {
    for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
      const Trial trial{task, item, arm};
      const std::string& key = key_of(plan, trial);
      ++at.of;
      if (!store.find(key) && keys.insert(key).second) pending.push_back(trial);
    }
  }
  double spent = 0;
  for (std::size_t next = 0; next < pending.size();) {
    const Trial& first = pending[next];
    const auto computed = static_cast<double>(next);
    at.task = plan.tasks[first.task].name;
    at.item = first.item + 1;
    at.items = plan.tasks[first.task].items.size();
    at.done = at.of - (pending.size() - next);
    at.remaining_ms = next > 0 ? spent / computed * static_cast<double>(pending.size() - next) : -1;
    if (progress) progress(at);
    const std::size_t count = asked_together(pending, next, next > 0 ? spent / computed : 0);
    const std::span<const Trial> trials(pending.data() + next, count);
    for (const TrialResult& result : ask(runner, *model, runs, trials, stop)) {
      const Trial& trial = pending[next++];
      store.add(result,
                {{"arm", plan.arms[trial.arm].name},
                 {"item", std::to_string(trial.item + 1)},
                 {"model", plan.model},
                 {"task", plan.tasks[trial.task].name},
                 // Under "auto" they hang on the memory that was free, and an answer's last digits on them.
                 {"weights", model->card().weights}});
      spent += result.ms;
    }
  }
  at.done = at.of;
  if (progress) progress(at);
}

}  // namespace qkscope
