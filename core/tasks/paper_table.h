#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/tasks/experiment_table.h"

namespace qkscope {

/// A table or figure of the paper as numbers, with what was measured here below them.
struct PaperTable {
  enum class Measure { None, Accuracy, Diversity, AnswerAlone };

  std::string id, title;  // "table-1"; title with the unit
  Measure measure = Measure::None;
  struct Column {
    std::string title;
    std::vector<std::string> tasks;  // any of these measures it
    std::string group;               // what the paper writes over it; empty: nothing
  };
  std::vector<Column> columns;
  struct Row {
    std::string model, arm;
    std::vector<std::optional<double>> values;  // one a column
    bool here = false;
    std::vector<std::optional<Interval>> intervals = {};  // of accuracies that were measured, %; else none
  };
  std::vector<Row> rows;             // what was published first
  std::vector<std::string> caveats;  // sentences: what differs, what to beware of
};

/// Those of "Massive Values in Self-Attention Modules are the Key to Contextual Knowledge Understanding",
/// from datasets/published/massive_values.json. Throws Error where that is not to be read.
std::vector<PaperTable> paper_tables();

/// A row for each arm of `measured` that has a number for one of the columns.
void add_measured(PaperTable& table, const ExperimentTable& measured);

/// Numbers as the table has them; what is not known is an empty field, or a dash.
std::string to_csv(const PaperTable& table);
std::string to_latex(const PaperTable& table);
nlohmann::ordered_json to_json(const PaperTable& table);

}  // namespace qkscope
