#include <filesystem>

#include "app/cli/output.h"
#include "app/cli/progress_line.h"
#include "app/cli/prompt.h"
#include "app/cli/slurm.h"
#include "core/base/wording.h"
#include "core/tasks/datasets.h"
#include "core/tasks/experiment_run.h"
#include "core/tasks/experiment_table.h"
#include "core/tasks/identity.h"
#include "core/tasks/paper_table.h"

namespace qkscope::cli {

namespace {

std::string percent(double share) {
  return fixed(100 * share, 1);
}

void print(const ExperimentTable& table, std::ostream& out) {
  out << table.experiment << " on " << table.model << "\n";
  Table rows({{"arm", false}, {"task", false}, {"right"}, {"of"}, {"%"}, {"95 %", false}, {"p"}});
  for (const ExperimentTable::Row& arm : table.arms) {
    for (const TaskScore& score : arm.tasks) {
      const auto accuracy = score.accuracy();
      rows.add({arm.name, score.task, std::to_string(score.correct), std::to_string(score.items),
                accuracy ? percent(*accuracy) : "-",
                percent(score.interval.low) + " to " + percent(score.interval.high),
                score.p ? fixed(*score.p, 4) : ""});
    }
  }
  rows.print(out);
  if (table.done < table.of) out << table.done << " of " << table.of << " results are there.\n";
}

/// One table as it is; of several a list.
Document document_of(const std::vector<ExperimentTable>& tables) {
  if (tables.size() == 1) return to_json(tables.front());
  Document list = Document::array();
  for (const ExperimentTable& table : tables) list.push_back(to_json(table));
  return {{"experiments", list}};
}

ExperimentTable run_on(const Context& context, const Experiment& experiment) {
  const Options& options = context.options;
  const auto model = load_model(context);
  const PlannedRuns runs = plan_experiment(experiment, *model, model_identity(model->card().path));
  ResultStore store = ResultStore::open(options.out, options.experiment.shard, options.experiment.shards);
  write_plan(runs.plan, options.out);
  run_experiment(runs, model, store, {options.experiment.shard, options.experiment.shards}, progress_line(),
                 context.stop);
  return tabulate(runs.plan, store);
}

Document run(const Context& context) {
  const Experiment experiment = read_experiment(find_experiment(context.options.experiment.what.front()),
                                                context.options.experiment.data);
  std::vector<std::string> models = {context.options.model};
  if (models.front().empty() && !experiment.models.empty()) models = experiment.models;
  std::vector<ExperimentTable> tables;
  for (const std::string& model : models) {
    Options options = context.options;
    options.model = model;
    tables.push_back(run_on({options, context.text, context.stop}, experiment));
    print(tables.back(), context.text);
  }
  return document_of(tables);
}

ExperimentFolders read(const std::vector<std::string>& folders) {
  return read_experiments({folders.begin(), folders.end()});
}

Document merge(const Context& context) {
  const ExperimentFolders all = read(context.options.experiment.what);
  std::vector<ExperimentTable> tables;
  for (const Plan& plan : all.plans) {
    tables.push_back(tabulate(plan, all.store));
    print(tables.back(), context.text);
  }
  if (!context.options.out.empty()) {
    ResultStore target = ResultStore::open(context.options.out);
    target.add_all(all.store);
    for (const Plan& plan : all.plans) write_plan(plan, context.options.out);
  }
  return document_of(tables);
}

Document status(const Context& context) {
  const ExperimentFolders all = read(context.options.experiment.what);
  Document list = Document::array();
  Table rows({{"experiment", false}, {"model", false}, {"done"}, {"of"}});
  for (const Plan& plan : all.plans) {
    const ExperimentTable table = tabulate(plan, all.store);
    Document tasks = Document::array();
    for (std::size_t task = 0; task < plan.tasks.size(); ++task) {
      int done = 0;
      for (const auto& arm : table.arms) done += arm.tasks[task].items;
      tasks.push_back({{"task", plan.tasks[task].name},
                       {"done", done},
                       {"of", plan.tasks[task].items.size() * plan.arms.size()}});
    }
    list.push_back({{"experiment", table.experiment},
                    {"model", table.model},
                    {"done", table.done},
                    {"of", table.of},
                    {"tasks", tasks}});
    rows.add({table.experiment, table.model, std::to_string(table.done), std::to_string(table.of)});
  }
  rows.print(context.text);
  return {{"experiments", list}};
}

/// What the paper published, and below it what the folders hold of it.
Document paper(const Context& context) {
  const ExperimentFolders all = read(context.options.experiment.what);
  Document list = Document::array();
  for (PaperTable table : paper_tables()) {
    for (const Plan& plan : all.plans) add_measured(table, tabulate(plan, all.store));
    std::vector<Table::Column> columns = {{"model", false}, {"arm", false}};
    for (const PaperTable::Column& column : table.columns) columns.push_back({column.title});
    Table rows(columns);
    for (const PaperTable::Row& row : table.rows) {
      std::vector<std::string> cells = {row.here ? "here: " + row.model : row.model, row.arm};
      for (const auto& value : row.values) cells.push_back(value ? fixed(*value, 2) : "-");
      rows.add(cells);
    }
    context.text << table.title << "\n";
    rows.print(context.text);
    for (const std::string& caveat : table.caveats) context.text << caveat << "\n";
    context.text << "\n";
    list.push_back(to_json(table));
  }
  return {{"tables", list}};
}

}  // namespace

Document run_experiment(const Context& context) {
  const std::string& action = context.options.experiment.action;
  if (action == "run") return run(context);
  if (action == "slurm") return run_slurm(context);
  if (action == "paper") return paper(context);
  return action == "merge" ? merge(context) : status(context);
}

}  // namespace qkscope::cli
