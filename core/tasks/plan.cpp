#include "core/tasks/plan.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/language_model.h"
#include "core/tasks/identity.h"

namespace qkscope {

namespace {

std::string numbers(const TokenIds& ids) {
  std::string text;
  for (const int id : ids) text += std::to_string(id) + " ";
  return text;
}

/// All that an answer depends on, edits apart.
Hash key_of(const RunRequest& request, const LanguageModel& model, const std::string& identity) {
  const Sampling& s = request.sampling;
  Hash hash;
  hash.add(identity + "\n" + model.card().dtype + "\n" + numbers(request.prompt) + "\n" +
           std::to_string(request.max_new_tokens) + "\n" + numbers(request.stop_tokens) + "\n");
  if (s.temperature > 0) {
    hash.add(number_text(s.temperature) + " " + number_text(s.top_p) + " " + std::to_string(s.top_k) + " " +
             std::to_string(s.seed) + "\n");
  }
  hash.add(request.score_continuation || request.score_as_published ? numbers(request.expected) : "-");
  if (request.score_as_published)
    hash.add("as published" + std::string(request.score_continuation ? "" : " alone"));
  return hash;
}

/// The tokens of each choice, between which the model is to choose.
std::vector<TokenIds> choices_of(const Task& task, const TaskItem& item, const LanguageModel& model) {
  if (task.answer_by == AnswerBy::Writing) return {};
  const std::string where = "Task " + in_quotes(task.name) + ": the question " + in_quotes(item.prompt);
  if (item.gold.choices.size() < 2)
    throw Error(where + " is answered by likelihood and offers no two choices; give the task \"choices\"");
  std::vector<TokenIds> choices;
  for (const std::string& choice : item.gold.choices) {
    choices.push_back(model.tokenizer().encode(choice, false));
    if (choices.back().empty()) throw Error(where + " offers an empty choice, whose likelihood says nothing");
  }
  return choices;
}

Plan::Item plan_item(const Experiment& experiment, const Task& task, const TaskItem& item, std::uint64_t seed,
                     const LanguageModel& model, const std::string& identity, RunRequest& request,
                     const std::vector<TokenIds>& choices) {
  request.prompt = question_ids(model, item);
  request.max_new_tokens = task.answer_by == AnswerBy::Writing ? task.max_new_tokens : 0;
  request.stop_tokens = model.stop_tokens();
  request.sampling = experiment.sampling;
  request.sampling.seed = seed;
  if ((experiment.score_expected || experiment.score_as_published) && !item.expected.empty()) {
    request.expected = model.tokenizer().encode(item.expected, false);
    request.score_continuation = experiment.score_expected && !request.expected.empty();
    request.score_as_published = experiment.score_as_published && !request.expected.empty();
  }
  Plan::Item planned{item.prompt, item.expected, item.gold, seed, {}};
  Hash question = key_of(request, model, identity);
  if (!choices.empty()) question.add("\n" + std::string(answer_by_name(task.answer_by)));
  for (const TokenIds& choice : choices) question.add("\n" + numbers(choice));
  if (experiment.score_answers && choices.empty()) question.add("\nanswers scored");
  for (const ExperimentArm& arm : experiment.arms)
    planned.keys.push_back(Hash(question).add("\n" + to_text(switched_on(arm.edits))).text());
  return planned;
}

}  // namespace

TokenIds question_ids(const LanguageModel& model, const TaskItem& item) {
  const ChatFormat& chat = model.chat_format();
  if (chat.is_raw())
    return model.tokenize(item.system.empty() ? item.prompt : item.system + "\n" + item.prompt);
  if (item.system.empty()) return model.tokenizer().encode_chat(chat.render(item.prompt));
  const std::vector<ChatMessage> turns = {{"system", item.system}, {"user", item.prompt}};
  try {
    return model.tokenizer().encode_chat(chat.render(turns));
  } catch (const Error&) {
    // Some templates, Gemma's among them, refuse a system turn: what it says then begins the question.
    return model.tokenizer().encode_chat(chat.render(item.system + "\n\n" + item.prompt));
  }
}

std::size_t Plan::results() const {
  std::size_t items = 0;
  for (const PlannedTask& task : tasks) items += task.items.size();
  return items * arms.size();
}

PlannedRuns plan_experiment(const Experiment& experiment, const LanguageModel& model,
                            const std::string& identity) {
  PlannedRuns runs;
  runs.plan.experiment = experiment.name;
  runs.plan.model = model.card().name;
  runs.score_answers = experiment.score_answers;
  for (const ExperimentArm& arm : experiment.arms) {
    Plan::PlannedArm planned{arm.name, {}, arm.control_of, arm.value};
    for (const Edit& edit : arm.edits) {
      check_edit(edit, model.spec());
      planned.edits.push_back(to_text(edit));
    }
    runs.plan.arms.push_back(std::move(planned));
    runs.arms.push_back(switched_on(arm.edits));
  }
  for (const auto& [task, most] : experiment.tasks) {
    runs.plan.tasks.push_back(
        {task.name, task.kind, task.rule, task.published_rule, task.chance, {}, task.answer_by});
    runs.requests.emplace_back();
    runs.choices.emplace_back();
    for (const TaskItem& item : items_of(task, model.tokenizer(), most)) {
      for (const std::uint64_t seed : experiment.seeds) {
        RunRequest request;
        std::vector<TokenIds> choices = choices_of(task, item, model);
        runs.plan.tasks.back().items.push_back(
            plan_item(experiment, task, item, seed, model, identity, request, choices));
        runs.requests.back().push_back(std::move(request));
        runs.choices.back().push_back(std::move(choices));
      }
    }
  }
  return runs;
}

}  // namespace qkscope
