#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/tasks/plan.h"
#include "core/tasks/result_store.h"
#include "core/tasks/statistics.h"

namespace qkscope {

/// What an arm does beyond a matched control of its own, on the items that both were asked.
struct AgainstControl {
  std::string control;    // its arm
  double difference = 0;  // accuracy of the arm less that of the control
  Interval interval;      // Newcombe's, of the difference
  double p = 1;           // McNemar's exact test
};

/// One cell of the table: an arm on a task, as far as there are results.
struct TaskScore {
  std::string task;
  TaskKind kind = TaskKind::Context;
  std::string rule;
  AnswerBy answer_by = AnswerBy::Writing;
  int items = 0, correct = 0;
  double chance = 0;
  Interval interval;               // Wilson's, of correct / items
  std::optional<double> p;         // McNemar's exact test against the baseline on the same items; not its own
  std::optional<Interval> change;  // of accuracy against the baseline's, likewise
  std::string published_rule;      // empty: none
  int published_correct = 0;
  std::optional<double> perplexity;  // geometric mean over the items of that of the expected answer
  /// Others, where the experiment asks for them: "as_published", (c) of the expected answer, and "answer", of
  /// what the model wrote, given the prompt, both as geometric means; "answer_alone", what the published code
  /// tells of an answer: its text by itself, without the prompt and under the arm's edits, as the mean over
  /// the answers that have two tokens.
  std::map<std::string, double> perplexities;
  std::vector<AgainstControl> controls;
  double diversity = 0;  // mean of the answers' bigram_diversity()
  int repeating = 0;     // answers for which repeats_itself()

  /// Nothing where there is no item.
  std::optional<double> accuracy() const;
};

struct ExperimentTable {
  std::string experiment, model;
  struct Row {
    std::string name;
    std::vector<std::string> edits;
    std::string control_of, value;  // as of ExperimentArm
    std::vector<TaskScore> tasks;
  };
  std::vector<Row> arms;  // the baseline first
  std::size_t done = 0, of = 0;
};

ExperimentTable tabulate(const Plan& plan, const ResultStore& store);

/// All plans of some folders with all their results; what the same questions are asked by is there once.
struct ExperimentFolders {
  std::vector<Plan> plans;
  ResultStore store;
};
/// Throws Error for a folder without a plan, or with a broken one.
ExperimentFolders read_experiments(const std::vector<std::filesystem::path>& folders);

/// The mean accuracy of an arm over its tasks of one kind; nothing where one of them has no item yet, or
/// there is none.
std::optional<double> mean_accuracy(const ExperimentTable::Row& arm, TaskKind kind);

/// One question of a cell: what the baseline and the arm made of it.
struct ItemOutcome {
  const Plan::Item* item = nullptr;  // of the plan
  const TrialResult* baseline = nullptr;
  const TrialResult* result = nullptr;  // both of the store
  bool baseline_right = false, right = false;
  std::optional<bool> published_right;  // by the task's published rule, where it has one
};
/// Those that the arm has a result for, in the order of the task's items; `baseline` may be missing.
std::vector<ItemOutcome> outcomes(const Plan& plan, std::size_t task, std::size_t arm,
                                  const ResultStore& store);

/// {model, arms: [{name, edits, tasks: [...]}]}: the keys in app/cli/JSON.md. The same results give the same
/// bytes.
nlohmann::ordered_json to_json(const ExperimentTable& table);

}  // namespace qkscope
