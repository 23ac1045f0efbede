#include "core/tasks/experiment_run.h"

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/language_model.h"
#include "core/run/passes.h"
#include "core/run/runner.h"

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

}  // namespace

void run_experiment(const PlannedRuns& runs, std::shared_ptr<const LanguageModel> model, ResultStore& store,
                    ExperimentShard shard, const std::function<void(const ExperimentProgress&)>& progress,
                    std::stop_token stop) {
  const Plan& plan = runs.plan;
  const auto items = items_of(plan, shard);
  Runner runner(model);
  ExperimentProgress at;
  at.of = items.size() * plan.arms.size();
  double spent = 0;
  std::size_t computed = 0, left = 0;
  for (const auto& [task, item] : items) {
    for (const std::string& key : plan.tasks[task].items[item].keys) left += store.find(key) ? 0 : 1;
  }
  at.done = at.of - left;
  for (const auto& [task, item] : items) {
    const Plan::PlannedTask& planned = plan.tasks[task];
    for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
      const std::string& key = planned.items[item].keys[arm];
      if (store.find(key)) continue;
      at.task = planned.name;
      at.item = item + 1;
      at.items = planned.items.size();
      at.remaining_ms = computed > 0 ? spent / static_cast<double>(computed) * static_cast<double>(left) : -1;
      if (progress) progress(at);
      RunRequest request = runs.requests[task][item];
      request.edits = runs.arms[arm];
      const auto begun = Clock::now();
      std::shared_ptr<const Run> run;
      try {
        run = runner.run(request, {}, stop);
      } catch (const Error& error) {
        throw Error("Task " + in_quotes(planned.name) + ", item " + std::to_string(item + 1) + ", arm " +
                    in_quotes(plan.arms[arm].name) + ": " + error.what());
      }
      const double ms = ms_since(begun);
      TrialResult result{
          key, model->tokenizer().decode(run->answer, true), run->answer, run->stopped, {}, run->replaced,
          ms};
      if (run->continuation) result.perplexity = run->continuation->value();
      store.add(result,
                {{"arm", plan.arms[arm].name},
                 {"item", std::to_string(item + 1)},
                 {"model", plan.model},
                 {"task", planned.name},
                 // Under "auto" they hang on the memory that was free, and an answer's last digits on them.
                 {"weights", model->card().weights}});
      spent += ms;
      ++computed;
      --left;
      ++at.done;
    }
  }
  if (progress) progress(at);
}

}  // namespace qkscope
