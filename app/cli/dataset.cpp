#include <algorithm>
#include <map>

#include "app/cli/command.h"
#include "app/cli/output.h"
#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/io/table_file.h"

namespace qkscope::cli {

namespace {

/// A column with more different values than this is no list of labels.
constexpr std::size_t most_labels = 12;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

std::string shortened(const std::string& text) {
  constexpr std::size_t most = 60;
  return text.size() <= most ? text : valid_utf8(text.substr(0, most)) + "...";
}

Document describe(const TableFile& table, const std::string& column) {
  std::map<std::string, int> counts;
  int filled = 0;
  for (const TableFile::Row& row : table.rows) {
    const auto found = row.values.find(column);
    if (found == row.values.end() || joined(found->second).empty()) continue;
    ++filled;
    ++counts[joined(found->second)];
  }
  Document json = {{"name", column}, {"filled", filled}, {"distinct", counts.size()}};
  if (counts.size() > most_labels) return json;
  json["values"] = Document::object();
  for (const auto& [value, count] : counts) json["values"][value] = count;
  return json;
}

}  // namespace

Document run_dataset(const Context& context) {
  const DatasetOptions& asked = context.options.dataset;
  if (!asked.action.empty()) return run_questions(context);
  Budget budget("The data set " + in_quotes(asked.file), context.stop);
  const TableFile table = read_table(asked.file, budget);
  for (const std::string& column : asked.columns) {
    if (std::ranges::find(table.columns, column) == table.columns.end())
      throw Error(in_quotes(asked.file) + " has no column " + in_quotes(column) + ", expected some of " +
                  joined(table.columns));
  }
  const std::vector<std::string>& chosen = asked.columns.empty() ? table.columns : asked.columns;
  Document columns = Document::array(), items = Document::array();
  Table rows({{"column", false}, {"filled"}, {"different"}, {"values", false}});
  for (const std::string& column : chosen) {
    columns.push_back(describe(table, column));
    const Document& json = columns.back();
    std::string values;
    if (json.contains("values")) {
      for (const auto& [value, count] : json["values"].items())
        values += (values.empty() ? "" : ", ") + one_line(shortened(value)) + " x " + count.dump();
    } else {
      const auto first = table.rows.front().values.find(column);
      if (first != table.rows.front().values.end()) values = one_line(shortened(joined(first->second)));
    }
    rows.add({column, json["filled"].dump(), json["distinct"].dump(), values});
  }
  for (const TableFile::Row& row : table.rows) {
    if (items.size() >= static_cast<std::size_t>(asked.items)) break;
    Document item = {{"row", row.number}};
    for (const std::string& column : chosen) {
      const auto found = row.values.find(column);
      if (found == row.values.end()) continue;
      item[column] = found->second.size() == 1 ? Document(found->second.front()) : Document(found->second);
    }
    items.push_back(std::move(item));
  }
  context.text << asked.file << ", " << table.rows.size() << " rows\n";
  rows.print(context.text);
  return {{"file", asked.file}, {"rows", table.rows.size()}, {"columns", columns}, {"items", items}};
}

}  // namespace qkscope::cli
