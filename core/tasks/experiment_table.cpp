#include "core/tasks/experiment_table.h"

#include <cmath>

namespace qkscope {

namespace {

/// Which items are right in both arms, in one alone, in none.
struct Paired {
  int both = 0, only_first = 0, only_second = 0, neither = 0;
  void add(bool first, bool second) {
    ++(first ? (second ? both : only_first) : (second ? only_second : neither));
  }
};

TaskScore score_of(const Plan::PlannedTask& task, std::size_t arm, const ResultStore& store) {
  TaskScore score{task.name, task.kind, task.rule, 0, 0, task.chance, {}, {}, {}, task.published_rule, 0, {}};
  const AnswerRule& rule = answer_rule(task.rule);
  const AnswerRule* published = task.published_rule.empty() ? nullptr : &answer_rule(task.published_rule);
  Paired paired;
  double losses = 0;
  int scored = 0;
  for (const Plan::Item& item : task.items) {
    const TrialResult* result = store.find(item.keys[arm]);
    if (!result) continue;
    const bool right = rule.right(result->answer, item.gold);
    ++score.items;
    score.correct += right ? 1 : 0;
    if (published && published->right(result->answer, item.gold)) ++score.published_correct;
    if (result->perplexity) {
      losses += std::log(*result->perplexity);
      ++scored;
    }
    const TrialResult* baseline = arm == 0 ? nullptr : store.find(item.keys[0]);
    if (baseline) paired.add(rule.right(baseline->answer, item.gold), right);
  }
  score.interval = wilson(score.correct, score.items);
  if (scored > 0) score.perplexity = std::exp(losses / scored);
  if (arm > 0) {
    score.p = mcnemar_exact(paired.only_first, paired.only_second);
    score.change = paired_difference(paired.both, paired.only_first, paired.only_second, paired.neither);
  }
  return score;
}

}  // namespace

std::optional<double> TaskScore::accuracy() const {
  if (items == 0) return std::nullopt;
  return static_cast<double>(correct) / items;
}

ExperimentTable tabulate(const Plan& plan, const ResultStore& store) {
  ExperimentTable table{plan.experiment, plan.model, {}, 0, plan.results()};
  for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
    table.arms.push_back({plan.arms[arm].name, plan.arms[arm].edits, {}});
    for (const Plan::PlannedTask& task : plan.tasks) {
      table.arms.back().tasks.push_back(score_of(task, arm, store));
      table.done += static_cast<std::size_t>(table.arms.back().tasks.back().items);
    }
  }
  return table;
}

nlohmann::ordered_json to_json(const ExperimentTable& table) {
  using Json = nlohmann::ordered_json;
  Json arms = Json::array();
  for (const ExperimentTable::Row& row : table.arms) {
    Json tasks = Json::array();
    for (const TaskScore& score : row.tasks) {
      const auto accuracy = score.accuracy();
      Json json = {{"task", score.task},
                   {"kind", task_kind_name(score.kind)},
                   {"items", score.items},
                   {"correct", score.correct},
                   {"accuracy", accuracy ? Json(*accuracy) : Json(nullptr)},
                   {"low", score.interval.low},
                   {"high", score.interval.high},
                   {"chance", score.chance},
                   {"rule", score.rule}};
      if (!score.published_rule.empty())
        json["published"] = {{"rule", score.published_rule}, {"correct", score.published_correct}};
      if (score.perplexity) json["perplexity"] = *score.perplexity;
      if (score.p) json["p"] = *score.p;
      if (score.change) json["change"] = {{"low", score.change->low}, {"high", score.change->high}};
      tasks.push_back(std::move(json));
    }
    arms.push_back({{"name", row.name}, {"edits", row.edits}, {"tasks", std::move(tasks)}});
  }
  return {{"experiment", table.experiment},
          {"model", table.model},
          {"done", table.done},
          {"of", table.of},
          {"arms", std::move(arms)}};
}

}  // namespace qkscope
