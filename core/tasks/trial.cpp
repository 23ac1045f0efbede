#include "core/tasks/trial.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/language_model.h"
#include "core/run/passes.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

std::optional<double> value_of(const std::vector<float>& nll) {
  return Perplexity{PerplexityDefinition::Continuation, {}, nll}.value();
}

/// What is a number: exp of the mean of no losses is none, and JSON has no infinity.
void keep(TrialResult& result, const std::string& name, const std::optional<double>& perplexity) {
  if (perplexity && std::isfinite(*perplexity)) result.perplexities[name] = *perplexity;
}

/// What the model wrote.
TrialResult written(Runner& runner, const RunRequest& request, const Run& run, const LanguageModel& model,
                    bool score_answer, std::stop_token stop) {
  TrialResult result;
  result.answer = model.tokenizer().decode(run.answer, true);
  result.ids = run.answer;
  result.stopped = run.stopped;
  result.replaced = run.replaced;
  if (run.continuation) result.perplexity = run.continuation->value();
  if (run.as_published) keep(result, "as_published", run.as_published->value());
  if (!score_answer || run.answer.empty()) return result;
  RunRequest again = request;
  again.max_new_tokens = 0;
  keep(result, "answer", value_of(runner.likelihoods(again, {run.answer}, stop).nll.front()));
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

RunRequest request_of(const PlannedRuns& runs, const Trial& trial) {
  RunRequest request = runs.requests[trial.task][trial.item];
  request.edits = runs.arms[trial.arm];
  return request;
}

/// "Task 'capitals', item 3", and the arm where it is one.
std::string words_of(const Plan& plan, std::span<const Trial> trials) {
  const Trial& first = trials.front();
  const auto same = [&](auto Trial::*part) {
    return std::ranges::all_of(trials, [&](const Trial& t) { return t.*part == first.*part; });
  };
  std::string words = "Task " + in_quotes(plan.tasks[first.task].name);
  if (!same(&Trial::task)) return words + " and others";
  if (same(&Trial::item)) words += ", item " + std::to_string(first.item + 1);
  if (same(&Trial::arm)) words += ", arm " + in_quotes(plan.arms[first.arm].name);
  return words;
}

}  // namespace

const std::string& key_of(const Plan& plan, const Trial& trial) {
  return plan.tasks[trial.task].items[trial.item].keys[trial.arm];
}

std::vector<TrialResult> ask(Runner& runner, const LanguageModel& model, const PlannedRuns& runs,
                             std::span<const Trial> trials, std::stop_token stop) {
  const auto begun = Clock::now();
  std::vector<TrialResult> results;
  try {
    std::vector<RunRequest> writing;
    for (const Trial& trial : trials) {
      if (runs.plan.tasks[trial.task].answer_by == AnswerBy::Writing)
        writing.push_back(request_of(runs, trial));
    }
    const auto answers = runner.run_all(writing, stop);
    std::size_t next = 0;
    for (const Trial& trial : trials) {
      const Plan::PlannedTask& task = runs.plan.tasks[trial.task];
      if (task.answer_by == AnswerBy::Writing) {
        results.push_back(written(runner, writing[next], *answers[next], model, runs.score_answers, stop));
        ++next;
      } else {
        results.push_back(chosen(runner, request_of(runs, trial), task.answer_by,
                                 task.items[trial.item].gold.choices, runs.choices[trial.task][trial.item],
                                 stop));
      }
      results.back().key = key_of(runs.plan, trial);
    }
  } catch (const Error& error) {
    throw Error(words_of(runs.plan, trials) + ": " + error.what());
  }
  const double ms = ms_since(begun) / static_cast<double>(trials.size());
  for (TrialResult& result : results) result.ms = ms;
  return results;
}

}  // namespace qkscope
