#include "core/tasks/experiment_table.h"

#include <cmath>

#include "core/tasks/words.h"

namespace qkscope {

namespace {

constexpr std::string_view alone = "answer_alone";

/// Which items are right in both arms, in one alone, in none.
struct Paired {
  int both = 0, only_first = 0, only_second = 0, neither = 0;
  int items() const { return both + only_first + only_second + neither; }
  Interval difference() const { return paired_difference(both, only_first, only_second, neither); }
  double p() const { return mcnemar_exact(only_first, only_second); }
  void add(bool first, bool second) {
    ++(first ? (second ? both : only_first) : (second ? only_second : neither));
  }
};

/// Right or not under both arms, of the items that both were asked.
Paired pair(const Plan::PlannedTask& task, std::size_t first, std::size_t second, const ResultStore& store) {
  const AnswerRule& rule = answer_rule(task.rule);
  Paired paired;
  for (const Plan::Item& item : task.items) {
    const TrialResult *a = store.find(item.keys[first]), *b = store.find(item.keys[second]);
    if (a && b) paired.add(rule.right(a->answer, item.gold), rule.right(b->answer, item.gold));
  }
  return paired;
}

TaskScore score_of(const Plan& plan, const Plan::PlannedTask& task, std::size_t arm,
                   const ResultStore& store) {
  TaskScore score;
  score.task = task.name;
  score.kind = task.kind;
  score.rule = task.rule;
  score.published_rule = task.published_rule;
  score.chance = task.chance;
  score.answer_by = task.answer_by;
  const AnswerRule& rule = answer_rule(task.rule);
  const AnswerRule* published = task.published_rule.empty() ? nullptr : &answer_rule(task.published_rule);
  Mean losses;
  std::map<std::string, Mean> others;
  for (const Plan::Item& item : task.items) {
    const TrialResult* result = store.find(item.keys[arm]);
    if (!result) continue;
    const bool right = rule.right(result->answer, item.gold);
    ++score.items;
    score.correct += right ? 1 : 0;
    if (published && published->right(result->answer, item.gold)) ++score.published_correct;
    if (result->perplexity) losses.add(std::log(*result->perplexity));
    for (const auto& [name, value] : result->perplexities)
      others[name].add(name == alone ? value : std::log(value));
    score.diversity += bigram_diversity(result->answer);
    score.repeating += repeats_itself(result->answer) ? 1 : 0;
  }
  score.interval = wilson(score.correct, score.items);
  if (const auto loss = losses.value()) score.perplexity = std::exp(*loss);
  for (const auto& [name, mean] : others)
    score.perplexities[name] = name == alone ? *mean.value() : std::exp(*mean.value());
  if (score.items > 0) score.diversity /= score.items;
  if (arm > 0) {
    const Paired paired = pair(task, 0, arm, store);
    score.p = paired.p();
    score.change = paired.difference();
  }
  for (std::size_t other = 0; other < plan.arms.size(); ++other) {
    if (plan.arms[other].control_of != plan.arms[arm].name) continue;
    const Paired paired = pair(task, other, arm, store);
    if (paired.items() == 0) continue;
    const double difference = static_cast<double>(paired.only_second - paired.only_first) / paired.items();
    score.controls.push_back({plan.arms[other].name, difference, paired.difference(), paired.p()});
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
    const Plan::PlannedArm& planned = plan.arms[arm];
    table.arms.push_back({planned.name, planned.edits, planned.control_of, planned.value, {}});
    for (const Plan::PlannedTask& task : plan.tasks) {
      table.arms.back().tasks.push_back(score_of(plan, task, arm, store));
      table.done += static_cast<std::size_t>(table.arms.back().tasks.back().items);
    }
  }
  return table;
}

ExperimentFolders read_experiments(const std::vector<std::filesystem::path>& folders) {
  ExperimentFolders all{{}, ResultStore::read(folders.front())};
  for (const auto& folder : folders) {
    for (Plan& plan : read_plans(folder)) {
      const bool known =
          std::ranges::any_of(all.plans, [&](const Plan& p) { return same_questions(p, plan); });
      if (!known) all.plans.push_back(std::move(plan));
    }
    all.store.add_all(ResultStore::read(folder));
  }
  return all;
}

std::optional<double> mean_accuracy(const ExperimentTable::Row& arm, TaskKind kind) {
  double sum = 0;
  int count = 0;
  for (const TaskScore& score : arm.tasks) {
    if (score.kind != kind) continue;
    const auto accuracy = score.accuracy();
    if (!accuracy) return std::nullopt;
    sum += *accuracy;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

std::vector<ItemOutcome> outcomes(const Plan& plan, std::size_t task, std::size_t arm,
                                  const ResultStore& store) {
  const Plan::PlannedTask& planned = plan.tasks.at(task);
  const AnswerRule& rule = answer_rule(planned.rule);
  std::vector<ItemOutcome> found;
  for (const Plan::Item& item : planned.items) {
    ItemOutcome outcome;
    outcome.item = &item;
    outcome.result = store.find(item.keys.at(arm));
    if (!outcome.result) continue;
    outcome.baseline = store.find(item.keys.front());
    outcome.right = rule.right(outcome.result->answer, item.gold);
    outcome.baseline_right = outcome.baseline && rule.right(outcome.baseline->answer, item.gold);
    if (!planned.published_rule.empty())
      outcome.published_right = answer_rule(planned.published_rule).right(outcome.result->answer, item.gold);
    found.push_back(outcome);
  }
  return found;
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
      if (score.answer_by != AnswerBy::Writing) json["answer_by"] = answer_by_name(score.answer_by);
      if (score.perplexity) json["perplexity"] = *score.perplexity;
      if (!score.perplexities.empty()) json["perplexities"] = score.perplexities;
      if (score.p) json["p"] = *score.p;
      if (score.change) json["change"] = {{"low", score.change->low}, {"high", score.change->high}};
      if (score.items > 0) {
        json["diversity"] = score.diversity;
        json["repeating"] = score.repeating;
      }
      for (const AgainstControl& control : score.controls) {
        json["controls"].push_back({{"arm", control.control},
                                    {"difference", control.difference},
                                    {"low", control.interval.low},
                                    {"high", control.interval.high},
                                    {"p", control.p}});
      }
      tasks.push_back(std::move(json));
    }
    Json arm = {{"name", row.name}, {"edits", row.edits}};
    if (!row.value.empty()) arm["value"] = row.value;
    if (!row.control_of.empty()) arm["control_of"] = row.control_of;
    arm["tasks"] = std::move(tasks);
    arms.push_back(std::move(arm));
  }
  return {{"experiment", table.experiment},
          {"model", table.model},
          {"done", table.done},
          {"of", table.of},
          {"arms", std::move(arms)}};
}

}  // namespace qkscope
