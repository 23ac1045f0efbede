#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/run/run.h"
#include "core/tasks/experiment.h"

namespace qkscope {

class LanguageModel;

/// Everything an experiment does on one model, question by question, by the keys under which results are
/// stored: what is needed to see how far it is and to count what came out, without the model.
struct Plan {
  std::string experiment, model;  // names
  struct Item {
    std::string prompt, expected;
    Gold gold;
    std::uint64_t seed = 0;
    std::vector<std::string> keys;  // one an arm
  };
  struct PlannedTask {
    std::string name;
    TaskKind kind = TaskKind::Context;
    std::string rule, published_rule;
    double chance = 0;
    std::vector<Item> items;
    AnswerBy answer_by = AnswerBy::Writing;
  };
  std::vector<PlannedTask> tasks;
  struct PlannedArm {
    std::string name;
    std::vector<std::string> edits;  // the text of each
    std::string control_of, value;   // as of ExperimentArm
  };
  std::vector<PlannedArm> arms;  // the baseline first

  std::size_t results() const;  // how many there are when all is done
};

/// Whether both ask and count the same, by their keys and names.
bool same_questions(const Plan& a, const Plan& b);

/// A plan with what the model is asked: requests[task][item], edits apart, and choices[task][item], none
/// where the answer is written.
struct PlannedRuns {
  Plan plan;
  std::vector<std::vector<RunRequest>> requests;
  std::vector<std::vector<std::vector<TokenIds>>> choices;
  bool score_answers = false;
  std::vector<Edits> arms;
};

/// A question as the model reads it: by its chat template, or raw where it has none.
TokenIds question_ids(const LanguageModel& model, const TaskItem& item);

/// Throws Error for an edit that does not fit the model, or a text that cannot be tokenized. `identity`: see
/// model_identity().
PlannedRuns plan_experiment(const Experiment& experiment, const LanguageModel& model,
                            const std::string& identity);

/// Beside the results: FOLDER/NAME.HASH.plan.json, so that equal plans are one file. Throws Error.
void write_plan(const Plan& plan, const std::filesystem::path& folder);
/// All plans of a folder, by the names of their files. Throws Error where there is none or one is broken.
std::vector<Plan> read_plans(const std::filesystem::path& folder);

}  // namespace qkscope
