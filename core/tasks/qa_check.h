#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "core/tasks/experiment.h"
#include "core/tasks/qa_set.h"

namespace qkscope {

struct Plan;
class ResultStore;

/// How a model is asked the questions of a set.
struct QaAsking {
  std::string system;       // may name the fields of items in braces: "You know {category}."
  int max_new_tokens = 24;  // the longest answer
  bool operator==(const QaAsking&) const = default;
};
/// As the set's answers want it: for yes or no where these are.
QaAsking usual_asking(const QaSet& set);

/// Some questions of a set as a task: answered by yes or no, or by a text that has an answer in it; judged by
/// the rules yes_no or contains, and as published.
Task qa_task(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking);
/// The same as an experiment of nothing but the baseline: what a model answers. Its name tells the set and
/// how it is asked.
Experiment qa_check(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking);

/// What a model answered, by question.
using QaAnswers = std::map<std::string, std::string>;
/// Of a check's plan.
QaAnswers qa_answers(const Plan& plan, const ResultStore& results);
/// What the folder of a set has of that check on the model of that name. Throws Error for a broken file.
QaAnswers kept_qa_answers(const std::filesystem::path& folder, const Experiment& check,
                          const std::string& model);

/// Whether an answer is right by both rules of the task.
struct QaVerdict {
  bool right = false, right_as_published = false;
  bool operator==(const QaVerdict&) const = default;
};
QaVerdict qa_verdict(const QaSet& set, const QaItem& item, const std::string& answer);

}  // namespace qkscope
