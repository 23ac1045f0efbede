// The actions of `dataset` on questions of knowledge.
#include <algorithm>

#include "app/cli/command.h"
#include "app/cli/output.h"
#include "app/cli/progress_line.h"
#include "app/cli/prompt.h"
#include "core/base/budget.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/tasks/experiment_run.h"
#include "core/tasks/identity.h"
#include "core/tasks/qa_export.h"
#include "core/tasks/statistics.h"

namespace qkscope::cli {

namespace {

using Indices = std::vector<std::size_t>;

/// A file of questions with what is decided about them.
struct Studio {
  const Context& context;
  const DatasetOptions& asked;
  QaSet set;
  std::filesystem::path folder;

  explicit Studio(const Context& c) : context(c), asked(c.options.dataset) {
    Budget budget("The data set " + in_quotes(asked.file), context.stop);
    set = read_qa_set(asked.file, asked.qa_columns, budget);
    folder = asked.keep.empty() ? qa_folder(asked.file) : std::filesystem::path(asked.keep);
  }
  QaDecisions decisions() const { return QaDecisions::read(set, folder); }
  /// Of the same decision for all; nothing is written for none.
  void decide(const Indices& items, const QaDecision& decision) const {
    std::vector<QaStep> steps;
    for (const std::size_t item : items) steps.push_back({item, decision});
    if (!steps.empty()) QaDecisions::open(set, folder).decide(steps);
  }
  Document rows(const Indices& items) const {
    Document list = Document::array();
    for (const std::size_t item : items) list.push_back(set.items[item].row);
    return list;
  }
  QaAsking asking() const {
    QaAsking how = usual_asking(set);
    if (asked.system) how.system = *asked.system;
    if (asked.max_new) how.max_new_tokens = *asked.max_new;
    return how;
  }
  std::string questions(std::size_t count) const {
    return std::to_string(count) + (count == 1 ? " question" : " questions");
  }
};

Document counts_of(const std::map<std::string, Indices>& groups) {
  Document counts = Document::object();
  for (const auto& [name, items] : groups) counts[name] = items.size();
  return counts;
}

Document states_of(const QaDecisions& decisions) {
  Document states = Document::object();
  for (const QaState state : {QaState::Undecided, QaState::Accepted, QaState::Rejected})
    states[std::string(qa_state_name(state))] = decisions.in(state).size();
  return states;
}

std::string words_of(const Document& counts) {
  std::string words;
  for (const auto& [name, count] : counts.items())
    words += (words.empty() ? "" : ", ") + one_line(name.empty() ? "none" : name) + " x " + count.dump();
  return words;
}

/// How many there are of each answer or category; null where nearly each is another one.
Document few(const std::map<std::string, Indices>& groups) {
  constexpr std::size_t most = 24;
  return groups.size() <= most ? counts_of(groups) : Document(nullptr);
}

Document import(const Studio& studio) {
  const QaSet& set = studio.set;
  const QaDecisions decisions = studio.decisions();
  const Document answers = few(qa_groups(set, set.all(), QaBalance::Answer)),
                 categories = few(qa_groups(set, set.all(), QaBalance::Category)),
                 states = states_of(decisions);
  Document problems = Document::array(), items = Document::array();
  const auto most = static_cast<std::size_t>(studio.asked.items);
  for (std::size_t i = 0; i < set.items.size() && (most == 0 || i < most); ++i) {
    const QaItem& item = set.items[i];
    items.push_back({{"row", item.row},
                     {"question", item.question},
                     {"answers", item.answers},
                     {"category", item.category},
                     {"correct_fact", item.correct_fact},
                     {"state", qa_state_name(decisions.of(i).state)},
                     {"reason", decisions.of(i).reason}});
  }
  std::ostream& out = studio.context.text;
  out << studio.asked.file << ", " << studio.questions(set.items.size())
      << (set.yes_no ? " of yes or no" : "") << "\n";
  if (!answers.is_null()) out << "answers: " << words_of(answers) << "\n";
  if (!categories.is_null()) out << "categories: " << words_of(categories) << "\n";
  out << "decisions: " << words_of(states) << "\n";
  for (const QaProblem& problem : set.problems) {
    problems.push_back({{"row", problem.row}, {"what", problem.what}});
    out << "row " << problem.row << ": " << one_line(problem.what) << "\n";
  }
  return {{"file", studio.asked.file},
          {"questions", set.items.size()},
          {"yes_no", set.yes_no},
          {"columns",
           {{"question", set.columns.question},
            {"answer", set.columns.answer},
            {"category", set.columns.category},
            {"correct_fact", set.columns.correct_fact}}},
          {"answers", answers},
          {"categories", categories},
          {"states", states},
          {"problems", problems},
          {"items", items}};
}

Document duplicates(const Studio& studio) {
  const std::vector<QaDuplicates> groups = find_duplicates(studio.set, studio.decisions().not_rejected());
  const Indices again = repeated(groups);
  Document list = Document::array();
  Table rows({{"rows", false}, {"", false}, {"", false}, {"question", false}});
  for (const QaDuplicates& group : groups) {
    const Document numbers = studio.rows(group.items);
    const std::string& question = studio.set.items[group.items.front()].question;
    list.push_back({{"rows", numbers}, {"same", group.same}, {"agree", group.agree}, {"question", question}});
    rows.add({numbers.dump(), group.same ? "the same" : "the same words", group.agree ? "" : "other answers",
              one_line(question)});
  }
  if (studio.asked.reject) studio.decide(again, {QaState::Rejected, "asked before"});
  if (!groups.empty()) rows.print(studio.context.text);
  studio.context.text << groups.size() << " groups, " << studio.questions(again.size())
                      << (studio.asked.reject ? " rejected\n" : " asked again with the same answer\n");
  return {{"file", studio.asked.file},
          {"groups", list},
          {"repeated", studio.rows(again)},
          {"rejected", studio.asked.reject ? again.size() : 0}};
}

Document balance(const Studio& studio) {
  const DatasetOptions& asked = studio.asked;
  const Indices kept = studio.decisions().not_rejected();
  const Document groups = counts_of(qa_groups(studio.set, kept, asked.by));
  const Indices surplus = qa_surplus(studio.set, kept, asked.by, asked.seed);
  if (asked.reject)
    studio.decide(surplus,
                  {QaState::Rejected, "too many alike, drawn with seed " + std::to_string(asked.seed)});
  studio.context.text << words_of(groups) << "\n"
                      << studio.questions(surplus.size()) << (asked.reject ? " rejected, " : " too many, ")
                      << kept.size() - surplus.size() << " stay\n";
  return {{"file", asked.file},
          {"by", qa_balance_name(asked.by)},
          {"seed", asked.seed},
          {"groups", groups},
          {"surplus", studio.rows(surplus)},
          {"stay", kept.size() - surplus.size()},
          {"rejected", asked.reject ? surplus.size() : 0}};
}

Document check(const Studio& studio) {
  const Context& context = studio.context;
  const Indices kept = studio.decisions().not_rejected();
  if (kept.empty()) throw Error("All questions of " + in_quotes(studio.asked.file) + " are rejected");
  const auto model = load_model(context);
  const Experiment experiment = qa_check(studio.set, kept, studio.asking());
  const PlannedRuns runs = plan_experiment(experiment, *model, model_identity(model->card().path));
  ResultStore store = ResultStore::open(studio.folder);
  write_plan(runs.plan, studio.folder);
  run_experiment(runs, model, store, {}, progress_line(), context.stop);
  const QaAnswers answers = qa_answers(runs.plan, store);
  Document items = Document::array();
  Table rows({{"row"}, {"", false}, {"published", false}, {"answer", false}, {"question", false}});
  std::int64_t right = 0, published = 0;
  for (const std::size_t index : kept) {
    const QaItem& item = studio.set.items[index];
    const std::string& answer = answers.at(item.question);
    const QaVerdict verdict = qa_verdict(studio.set, item, answer);
    right += verdict.right ? 1 : 0;
    published += verdict.right_as_published ? 1 : 0;
    items.push_back({{"row", item.row},
                     {"question", item.question},
                     {"answers", item.answers},
                     {"answer", answer},
                     {"right", verdict.right},
                     {"right_as_published", verdict.right_as_published}});
    const auto words = [](bool is_right) { return std::string(is_right ? "right" : "wrong"); };
    rows.add({std::to_string(item.row), words(verdict.right), words(verdict.right_as_published),
              one_line(answer), one_line(item.question)});
  }
  const auto asked = static_cast<std::int64_t>(kept.size());
  const Interval interval = wilson(right, asked);
  rows.print(context.text);
  context.text << right << " of " << asked << " right, " << published << " by the published rule\n";
  return {{"file", studio.asked.file},
          {"model", model->card().name},
          {"system", studio.asking().system},
          {"asked", asked},
          {"right", right},
          {"right_as_published", published},
          {"low", interval.low},
          {"high", interval.high},
          {"items", items}};
}

Document decide(const Studio& studio) {
  const DatasetOptions& asked = studio.asked;
  Indices items;
  for (const int row : asked.rows) {
    const auto number = static_cast<std::size_t>(row) + 1;
    const auto found = std::ranges::find(studio.set.items, number, &QaItem::row);
    if (found == studio.set.items.end())
      throw Error("Row " + std::to_string(number) + " of " + in_quotes(asked.file) + " is no question");
    items.push_back(static_cast<std::size_t>(found - studio.set.items.begin()));
  }
  if (asked.rows.empty()) items = studio.set.all();
  studio.decide(items, {asked.state, asked.reason});
  const Document states = states_of(studio.decisions());
  studio.context.text << words_of(states) << "\n";
  return {{"file", asked.file}, {"rows", studio.rows(items)}, {"states", states}};
}

Document write(const Studio& studio) {
  const DatasetOptions& asked = studio.asked;
  const QaDecisions decisions = studio.decisions();
  const Indices items = asked.accepted ? decisions.in(QaState::Accepted) : decisions.not_rejected();
  if (items.empty())
    throw Error("There is nothing to export: no question of " + in_quotes(asked.file) + " is " +
                (asked.accepted ? "accepted" : "left"));
  AtomicFile file(asked.target);
  file.write(asked.format == "published" ? to_published_qa(studio.set, items)
             : asked.format == "lines"   ? to_qa_lines(studio.set, items)
                                         : to_qa_task(studio.set, items, studio.asking()));
  file.commit();
  studio.context.text << asked.target << ", " << studio.questions(items.size()) << "\n";
  return {
      {"file", asked.file}, {"target", asked.target}, {"format", asked.format}, {"questions", items.size()}};
}

}  // namespace

Document run_questions(const Context& context) {
  const Studio studio(context);
  const std::string& action = studio.asked.action;
  if (action == "import") return import(studio);
  if (action == "duplicates") return duplicates(studio);
  if (action == "balance") return balance(studio);
  if (action == "check") return check(studio);
  return action == "decide" ? decide(studio) : write(studio);
}

}  // namespace qkscope::cli
