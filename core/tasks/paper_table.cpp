#include "core/tasks/paper_table.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/budget.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/io/text_rows.h"
#include "core/tasks/datasets.h"
#include "core/tasks/experiment_text.h"

namespace qkscope {

namespace {

using Measure = PaperTable::Measure;

Measure measure_of(JsonFields& fields) {
  constexpr std::array names = {std::pair{"none", Measure::None}, std::pair{"accuracy", Measure::Accuracy},
                                std::pair{"diversity", Measure::Diversity},
                                std::pair{"answer_alone", Measure::AnswerAlone}};
  const std::string name = fields.text("measure");
  for (const auto& [known, measure] : names) {
    if (name == known) return measure;
  }
  fields.fail("measure", "is " + in_quotes(name) + ", which is none that is known");
}

PaperTable read_table(const nlohmann::json& json, const std::string& where) {
  JsonFields fields(json, where);
  PaperTable table;
  table.id = fields.text("id");
  table.title = fields.text("title");
  table.measure = measure_of(fields);
  for (const auto& entry : fields.list("columns")) {
    JsonFields column(entry, where + ", a column of " + in_quotes(table.id));
    table.columns.push_back({column.text("title"), column.texts("tasks"), column.text("group", "")});
  }
  for (const auto& entry : fields.list("rows")) {
    JsonFields row(entry, where + ", a row of " + in_quotes(table.id));
    PaperTable::Row read{row.text("model"), row.text("arm"), {}, false};
    for (const auto& value : row.list("values"))
      read.values.push_back(value.is_number() ? std::optional(value.get<double>()) : std::nullopt);
    if (read.values.size() != table.columns.size())
      row.fail("values", "are not as many as the columns of " + in_quotes(table.id));
    table.rows.push_back(std::move(read));
  }
  table.caveats = fields.texts("caveats");
  fields.done();
  return table;
}

/// What a cell of an experiment says of a column; nothing where it does not.
std::optional<double> measured_value(Measure measure, const TaskScore& score) {
  if (score.items == 0) return std::nullopt;
  switch (measure) {
    case Measure::Accuracy:
      return 100 * *score.accuracy();
    case Measure::Diversity:
      return score.diversity;
    case Measure::AnswerAlone: {
      const auto found = score.perplexities.find("answer_alone");
      return found == score.perplexities.end() ? std::nullopt : std::optional(found->second);
    }
    case Measure::None:
      break;
  }
  return std::nullopt;
}

/// The first of a column's tasks that has a number; null where there is none.
const TaskScore* score_of(Measure measure, const PaperTable::Column& column,
                          const ExperimentTable::Row& arm) {
  for (const std::string& task : column.tasks) {
    const auto score = std::ranges::find(arm.tasks, task, &TaskScore::task);
    if (score != arm.tasks.end() && measured_value(measure, *score)) return &*score;
  }
  return nullptr;
}

}  // namespace

std::vector<PaperTable> paper_tables() {
  const auto path = datasets_folder() / "published" / "massive_values.json";
  Budget budget("What the paper published, " + in_quotes(path.string()));
  const nlohmann::json document = read_json_object(path, budget);
  JsonFields file(document, in_quotes(path.string()));
  file.text("source");
  std::vector<PaperTable> tables;
  for (const auto& entry : file.list("tables")) tables.push_back(read_table(entry, file.where()));
  file.done();
  return tables;
}

void add_measured(PaperTable& table, const ExperimentTable& measured) {
  for (const ExperimentTable::Row& arm : measured.arms) {
    PaperTable::Row row{measured.model, arm.name, {}, true};
    for (const PaperTable::Column& column : table.columns) {
      const TaskScore* score = score_of(table.measure, column, arm);
      row.values.push_back(score ? measured_value(table.measure, *score) : std::nullopt);
      row.intervals.push_back(
          score && table.measure == Measure::Accuracy
              ? std::optional(Interval{100 * score->interval.low, 100 * score->interval.high})
              : std::nullopt);
    }
    if (std::ranges::any_of(row.values, [](const auto& value) { return value.has_value(); }))
      table.rows.push_back(std::move(row));
  }
}

std::string to_csv(const PaperTable& table) {
  std::string text = "model,arm,measured_here";
  for (const PaperTable::Column& column : table.columns) text += "," + csv_field(column.title);
  text += "\r\n";
  for (const PaperTable::Row& row : table.rows) {
    text += csv_field(row.model) + "," + csv_field(row.arm) + (row.here ? ",true" : ",false");
    for (const auto& value : row.values) text += "," + (value ? number_text(*value) : "");
    text += "\r\n";
  }
  return text;
}

std::string to_latex(const PaperTable& table) {
  std::string text = "% " + table.title + "; as published, and below the line as measured here\n";
  text += "\\begin{tabular}{ll" + std::string(table.columns.size(), 'r') + "}\n\\hline\nmodel & ";
  for (const PaperTable::Column& column : table.columns) text += " & " + latex_text(column.title);
  text += " \\\\\n\\hline\n";
  bool here = false;
  for (const PaperTable::Row& row : table.rows) {
    if (row.here && !here) text += "\\hline\n";
    here = row.here;
    text += latex_text(row.model) + " & " + latex_text(row.arm);
    for (const auto& value : row.values)
      text += " & " + (value ? number_text(std::round(100 * *value) / 100) : "--");
    text += " \\\\\n";
  }
  return text + "\\hline\n\\end{tabular}\n";
}

nlohmann::ordered_json to_json(const PaperTable& table) {
  using Json = nlohmann::ordered_json;
  Json columns = Json::array(), rows = Json::array();
  for (const PaperTable::Column& column : table.columns) columns.push_back(column.title);
  for (const PaperTable::Row& row : table.rows) {
    Json values = Json::array();
    for (const auto& value : row.values) values.push_back(value ? Json(*value) : Json(nullptr));
    rows.push_back(
        {{"model", row.model}, {"arm", row.arm}, {"here", row.here}, {"values", std::move(values)}});
  }
  return {{"id", table.id},
          {"title", table.title},
          {"columns", std::move(columns)},
          {"rows", std::move(rows)},
          {"caveats", table.caveats}};
}

}  // namespace qkscope
