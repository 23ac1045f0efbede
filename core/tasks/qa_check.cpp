#include "core/tasks/qa_check.h"

#include <algorithm>

#include "core/tasks/identity.h"
#include "core/tasks/plan.h"
#include "core/tasks/result_store.h"

namespace qkscope {

namespace {

struct Rules {
  std::string corrected, published;
};

Rules rules_of(const QaSet& set) {
  return set.yes_no ? Rules{"yes_no", "yes_no_as_published"} : Rules{"contains", "contains_as_published"};
}

ItemFields fields_of(const QaItem& item) {
  ItemFields fields = item.more;
  fields["question"] = {item.question};
  fields["answer"] = item.answers;
  if (!item.category.empty()) fields["category"] = {item.category};
  if (!item.correct_fact.empty()) fields["correct_fact"] = {item.correct_fact};
  return fields;
}

}  // namespace

QaAsking usual_asking(const QaSet& set) {
  return {set.yes_no ? "Answer with yes or no." : "", QaAsking().max_new_tokens};
}

Task qa_task(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking) {
  Task task;
  task.name = task.title = set.name;
  task.kind = TaskKind::Memory;
  task.system = asking.system;
  task.prompt = "{question}";
  task.answers = {"{answer}"};
  task.rule = rules_of(set).corrected;
  task.published_rule = rules_of(set).published;
  task.max_new_tokens = asking.max_new_tokens;
  if (set.yes_no) {
    task.choices = {"Yes", "No"};
    task.chance = 0.5;
  }
  for (const std::size_t index : items) task.items.push_back(fields_of(set.items[index]));
  return task;
}

Experiment qa_check(const QaSet& set, std::span<const std::size_t> items, const QaAsking& asking) {
  Hash how;
  how.add(asking.system).add("\n").add(std::to_string(asking.max_new_tokens));
  Experiment experiment;
  experiment.name = set.name + "-" + how.text().substr(0, 8);
  experiment.tasks = {{qa_task(set, items, asking)}};
  experiment.arms = {{"baseline", {}, {}, {}}};
  experiment.score_expected = false;
  return experiment;
}

QaAnswers qa_answers(const Plan& plan, const ResultStore& results) {
  QaAnswers answers;
  for (const Plan::PlannedTask& task : plan.tasks) {
    for (const Plan::Item& item : task.items) {
      if (const TrialResult* found = results.find(item.keys.front())) answers[item.prompt] = found->answer;
    }
  }
  return answers;
}

QaAnswers kept_qa_answers(const std::filesystem::path& folder, const Experiment& check,
                          const std::string& model) {
  QaAnswers answers;
  std::error_code problem;
  const auto is_plan = [](const auto& entry) { return entry.path().string().ends_with(".plan.json"); };
  if (std::ranges::none_of(std::filesystem::directory_iterator(folder, problem), is_plan)) return answers;
  const ResultStore results = ResultStore::read(folder);
  for (const Plan& plan : read_plans(folder)) {
    if (plan.experiment == check.name && plan.model == model) answers.merge(qa_answers(plan, results));
  }
  return answers;
}

QaVerdict qa_verdict(const QaSet& set, const QaItem& item, const std::string& answer) {
  const Rules rules = rules_of(set);
  const Gold gold{item.answers, item.question, {}};
  return {answer_rule(rules.corrected).right(answer, gold), answer_rule(rules.published).right(answer, gold)};
}

}  // namespace qkscope
