#include "app/cli/dataset_options.h"

#include <algorithm>
#include <limits>
#include <map>

#include "app/cli/validators.h"
#include "core/base/wording.h"
#include "core/run/disruption.h"

namespace qkscope::cli {

namespace {

const std::vector<std::string> actions = {"import", "duplicates", "balance", "check", "decide", "export"};

const std::map<std::string, QaBalance> balances = {
    {"answer", QaBalance::Answer}, {"category", QaBalance::Category}, {"both", QaBalance::Both}};
const std::map<std::string, QaState> states = {
    {"accepted", QaState::Accepted}, {"rejected", QaState::Rejected}, {"undecided", QaState::Undecided}};

/// Those of some actions alone; "" is the table of rows without one.
struct Part {
  const char* option;
  std::vector<std::string> of;
};
const std::vector<Part> parts = {
    {"--columns", {""}},
    {"--items", {"", "import"}},
    {"--question", actions},
    {"--answer", actions},
    {"--category", actions},
    {"--fact", actions},
    {"--keep", actions},
    {"--by", {"balance"}},
    {"--seed", {"balance"}},
    {"--reject", {"duplicates", "balance"}},
    {"--rows", {"decide"}},
    {"--state", {"decide"}},
    {"--reason", {"decide"}},
    {"--system", {"check", "export"}},
    {"--max-new", {"check", "export"}},
    {"--format", {"export"}},
    {"--accepted", {"export"}},
};

/// The first of WHAT where that is one and a file follows.
std::string action_of(const std::vector<std::string>& what) {
  const bool is_action = what.size() > 1 && std::ranges::find(actions, what.front()) != actions.end();
  return is_action ? what.front() : std::string();
}

void refuse_others(const CLI::App& app, const std::string& action) {
  for (const Part& part : parts) {
    if (app.count(part.option) > 0 && std::ranges::find(part.of, action) == part.of.end())
      throw UsageError(std::string(part.option) + " has no part in dataset" +
                       (action.empty() ? " without an action" : " " + action));
  }
  if (action != "decide") return;
  for (const char* needed : {"--rows", "--state"}) {
    if (app.count(needed) == 0)
      throw UsageError("dataset decide needs " + std::string(needed) +
                       ", such as --rows 3,7-9 --state "
                       "rejected");
  }
}

void add_columns(CLI::App& app, DatasetOptions& d) {
  app.add_option("--columns", d.columns, "Some of its columns, such as question,answer (all)")
      ->option_text("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(filled("names of columns"));
  app.add_option("--items", d.items, "Of so many rows --json tells the values; import: 0 means all (3)")
      ->option_text("N")
      ->check(whole_number(0, 1 << 24));
  QaColumns& c = d.qa_columns;
  app.add_option("--question", c.question,
                 "The column that is the question, or a text with columns in braces (as they are named)")
      ->option_text("COLUMN")
      ->check(filled("the name of a column, or a text"));
  app.add_option("--answer", c.answer, "The column of the answer (as they are named)")
      ->option_text("COLUMN")
      ->check(filled("the name of a column"));
  app.add_option("--category", c.category, "That of the category, where there is one")
      ->option_text("COLUMN")
      ->check(filled("the name of a column"));
  app.add_option("--fact", c.correct_fact, "That of the fact behind the answer, where there is one")
      ->option_text("COLUMN")
      ->check(filled("the name of a column"));
}

}  // namespace

void add_dataset(CLI::App& app, Options& o) {
  DatasetOptions& d = o.dataset;
  app.add_option("WHAT", d.what,
                 "FILE, a .csv, .jsonl or .json file, also .gz; or ACTION FILE, behind which check takes a "
                 "MODEL and export the file to write")
      ->option_text(" ")
      ->required()
      ->check(filled("a file"));
  add_columns(app, d);
  app.add_option("--keep", d.keep, "The folder of decisions and answers (FILE.studio)")
      ->option_text("FOLDER")
      ->check(filled("a folder"));
  app.add_option("--by", d.by_text,
                 "balance: what is to come equally often: answer, category or both (answer)")
      ->option_text("NAME")
      ->check(CLI::IsMember(balances));
  app.add_option("--seed", d.seed, "balance: seed of what is dropped (0)")
      ->option_text("N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  app.add_flag("--reject", d.reject, "duplicates and balance: reject what is too much, too")
      ->option_text(" ");
  app.add_option("--rows", d.rows_text,
                 "decide: rows of the file as import tells them, such as 3,7-9, or all")
      ->option_text("LIST")
      ->check(filled("numbers of rows"));
  app.add_option("--state", d.state_text, "decide: accepted, rejected or undecided")
      ->option_text("NAME")
      ->check(CLI::IsMember(states));
  app.add_option("--reason", d.reason, "decide: why")->option_text("TEXT")->check(filled("a reason"));
  app.add_option("--system", d.system,
                 "check and export: the system prompt, which may name fields in braces (for yes and no: to "
                 "answer so)")
      ->option_text("TEXT");
  app.add_option("--max-new", d.max_new, "check and export: longest answer in tokens (24)")
      ->option_text("N")
      ->check(whole_number(1, 1 << 20));
  app.add_option(
         "--format", d.format,
         "export: published (the schema of the paper's sets), lines (.jsonl) or task, which experiments "
         "run (published)")
      ->option_text("NAME")
      ->check(CLI::IsMember({"published", "lines", "task"}));
  app.add_flag("--accepted", d.accepted, "export: only what is accepted")->option_text(" ");
  app.parse_complete_callback([&app, &d] { refuse_others(app, action_of(d.what)); });
}

void settle_dataset(Options& o) {
  DatasetOptions& d = o.dataset;
  if (d.what.empty()) return;
  d.action = action_of(d.what);
  std::vector<std::string> more(d.what.begin() + (d.action.empty() ? 0 : 1), d.what.end());
  d.file = more.front();
  const std::string words = "dataset" + (d.action.empty() ? "" : " " + d.action);
  const std::size_t most = d.action == "check" || d.action == "export" ? 2 : 1;
  if (more.size() > most) {
    std::string known;
    for (const std::string& action : actions) known += (known.empty() ? "" : ", ") + action;
    throw UsageError(words + " takes " + (most == 1 ? "one file" : "two names") + ", and there is " +
                     in_quotes(more[most]) + ", too" +
                     (d.action.empty() ? "; actions are " + known : std::string()));
  }
  if (d.action == "export") {
    if (more.size() < 2) throw UsageError("dataset export needs the file to write, behind the file it reads");
    d.target = more[1];
  }
  if (d.action == "check" && more.size() == 2) o.model = more[1];
  d.by = balances.at(d.by_text);
  if (!d.state_text.empty()) d.state = states.at(d.state_text);
  try {
    if (!d.rows_text.empty()) d.rows = parse_ranges(d.rows_text, "--rows");
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace qkscope::cli
