#pragma once
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
  int items = 0, correct = 0;
  double chance = 0;
  Interval interval;               // Wilson's, of correct / items
  std::optional<double> p;         // McNemar's exact test against the baseline on the same items; not its own
  std::optional<Interval> change;  // of accuracy against the baseline's, likewise
  std::string published_rule;      // empty: none
  int published_correct = 0;
  std::optional<double> perplexity;  // geometric mean over the items of that of the expected answer
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

/// {model, arms: [{name, edits, tasks: [...]}]}: the keys in app/cli/JSON.md. The same results give the same
/// bytes.
nlohmann::ordered_json to_json(const ExperimentTable& table);

}  // namespace qkscope
