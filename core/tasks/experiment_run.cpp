#include "core/tasks/experiment_run.h"

#include <cmath>
#include <numeric>

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

std::optional<double> value_of(const std::vector<float>& nll) {
  return Perplexity{PerplexityDefinition::Continuation, {}, nll}.value();
}

/// What is a number: exp of the mean of no losses is none, and JSON has no infinity.
void keep(TrialResult& result, const std::string& name, const std::optional<double>& perplexity) {
  if (perplexity && std::isfinite(*perplexity)) result.perplexities[name] = *perplexity;
}

/// What the model writes.
TrialResult written(Runner& runner, const RunRequest& request, const LanguageModel& model, bool score_answer,
                    std::stop_token stop) {
  const auto run = runner.run(request, {}, stop);
  TrialResult result;
  result.answer = model.tokenizer().decode(run->answer, true);
  result.ids = run->answer;
  result.stopped = run->stopped;
  result.replaced = run->replaced;
  if (run->continuation) result.perplexity = run->continuation->value();
  if (run->as_published) keep(result, "as_published", run->as_published->value());
  if (!score_answer || run->answer.empty()) return result;
  RunRequest again = request;
  again.max_new_tokens = 0;
  keep(result, "answer", value_of(runner.likelihoods(again, {run->answer}, stop).nll.front()));
  const TokenIds alone = model.tokenizer().encode(result.answer, false);
  keep(result, "answer_alone", text_perplexity(model, alone, request.edits, stop).value());
  return result;
}

/// The most probable of the choices; of equal ones the first.
TrialResult chosen(Runner& runner, const RunRequest& request, AnswerBy by,
                   const std::vector<std::string>& texts, std::vector<TokenIds> choices,
                   std::stop_token stop) {
  std::vector<TokenIds> scored = choices;
  if (request.score_continuation) scored.push_back(request.expected);
  Likelihoods found = runner.likelihoods(request, scored, std::move(stop));
  TrialResult result;
  result.replaced = found.replaced;
  if (request.score_continuation) result.perplexity = value_of(found.nll.back());
  std::size_t best = 0;
  std::vector<double> losses;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    result.choice_nll.push_back(std::accumulate(found.nll[i].begin(), found.nll[i].end(), 0.0));
    const double length = by == AnswerBy::LikelihoodPerByte ? static_cast<double>(texts[i].size()) : 1;
    if (!std::isfinite(result.choice_nll.back()))
      throw Error(
          "the model's logits are not finite numbers, so no choice is the likeliest; load it as float32 if "
          "it was not");
    losses.push_back(result.choice_nll.back() / length);
    if (losses[i] < losses[best]) best = i;
  }
  result.answer = texts[best];
  result.ids = std::move(choices[best]);
  return result;
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
      TrialResult result;
      try {
        result = planned.answer_by == AnswerBy::Writing
                     ? written(runner, request, *model, runs.score_answers, stop)
                     : chosen(runner, request, planned.answer_by, planned.items[item].gold.choices,
                              runs.choices[task][item], stop);
      } catch (const Error& error) {
        throw Error("Task " + in_quotes(planned.name) + ", item " + std::to_string(item + 1) + ", arm " +
                    in_quotes(plan.arms[arm].name) + ": " + error.what());
      }
      result.key = key;
      result.ms = ms_since(begun);
      store.add(result,
                {{"arm", plan.arms[arm].name},
                 {"item", std::to_string(item + 1)},
                 {"model", plan.model},
                 {"task", planned.name},
                 // Under "auto" they hang on the memory that was free, and an answer's last digits on them.
                 {"weights", model->card().weights}});
      spent += result.ms;
      ++computed;
      --left;
      ++at.done;
    }
  }
  if (progress) progress(at);
}

}  // namespace qkscope
