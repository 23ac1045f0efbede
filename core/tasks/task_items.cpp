// The questions of a task: its templates filled in.
#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/table_file.h"
#include "core/tasks/task.h"

namespace qkscope {

namespace {

/// Each of several values of a field is an answer of its own.
std::vector<std::string> all_filled(const std::vector<std::string>& texts, const ItemFields& fields,
                                    const std::string& where) {
  std::vector<std::string> made;
  for (const std::string& text : texts) {
    const auto field = text.size() > 2 && text.front() == '{' && text.back() == '}'
                           ? fields.find(text.substr(1, text.size() - 2))
                           : fields.end();
    if (field == fields.end()) {
      made.push_back(filled_text(text, fields, where));
    } else {
      made.insert(made.end(), field->second.begin(), field->second.end());
    }
  }
  return made;
}

/// The rows of the task's file that it takes, with the names and values that it gives them.
std::vector<ItemFields> rows_of(const Task& task) {
  const TaskSource& source = *task.source;
  const auto is_there = [&source](const std::filesystem::path& folder) {
    std::error_code problem;
    return std::filesystem::is_regular_file(folder / source.file, problem);
  };
  const auto place = std::ranges::find_if(source.places, is_there);
  if (place == source.places.end()) {
    std::string looked;
    for (const auto& folder : source.places)
      looked += (looked.empty() ? "" : " and ") + in_quotes(folder.string());
    throw Error("Task " + in_quotes(task.name) + " reads " + in_quotes(source.file) + ", which is not in " +
                looked +
                "; give the folder that has it: --data FOLDER, or Data sets in the window of experiments");
  }
  const std::string name = (*place / source.file).string();
  Budget budget("The data set " + in_quotes(name));
  TableFile table = read_table(name, budget);
  const auto check = [&](const std::string& column) {
    if (std::ranges::find(table.columns, column) != table.columns.end()) return;
    std::string known;
    for (const std::string& other : table.columns) known += (known.empty() ? "" : ", ") + in_quotes(other);
    throw Error("Task " + in_quotes(task.name) + ": " + in_quotes(name) + " has no column " +
                in_quotes(column) + ", expected one of " + known);
  };
  for (const auto& [field, column] : source.columns) check(column);
  for (const auto& [column, value] : source.where) check(column);
  for (const auto& [column, map] : source.values) check(column);
  std::vector<ItemFields> items;
  for (TableFile::Row& row : table.rows) {
    const auto fits = [&row](const auto& wanted) {
      const auto found = row.values.find(wanted.first);
      return found != row.values.end() && found->second.front() == wanted.second;
    };
    if (!std::ranges::all_of(source.where, fits)) continue;
    ItemFields fields;
    for (auto& [column, values] : row.values) {
      const auto map = source.values.find(column);
      for (std::string& value : values) {
        if (map == source.values.end()) break;
        const auto to = map->second.find(value);
        if (to == map->second.end()) {
          throw Error(in_quotes(name) + ", row " + std::to_string(row.number) + ": " + in_quotes(column) +
                      " is " + in_quotes(value) + ", which the task " + in_quotes(task.name) +
                      " has no value for");
        }
        value = to->second;
      }
      if (!values.empty()) fields[column] = values;
    }
    for (const auto& [field, column] : source.columns) {
      if (fields.contains(column)) fields[field] = fields[column];
    }
    items.push_back(std::move(fields));
  }
  if (items.empty())
    throw Error("Task " + in_quotes(task.name) + " takes none of the rows of " + in_quotes(name));
  return items;
}

}  // namespace

std::string filled_text(const std::string& text, const ItemFields& fields, const std::string& where) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = text.find('{', at);
    const auto close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) return made + text.substr(at);
    made += text.substr(at, open - at);
    const bool all = text[open + 1] == '*';
    const std::string name = text.substr(open + (all ? 2 : 1), close - open - (all ? 2 : 1));
    const auto field = fields.find(name);
    if (field == fields.end()) {
      std::string known;
      for (const auto& [key, values] : fields) known += (known.empty() ? "" : ", ") + in_quotes(key);
      throw Error(where + ": the text " + in_quotes(text) + " asks for " + in_quotes(name) +
                  ", expected one of " + known);
    }
    for (std::size_t i = 0; i < (all ? field->second.size() : 1); ++i)
      made += (i > 0 ? ", " : "") + field->second[i];
    at = close + 1;
  }
  return made;
}

std::vector<TaskItem> items_of(const Task& task, const Tokenizer& tokenizer, std::size_t most) {
  std::vector<ItemFields> all = task.source ? rows_of(task) : task.items;
  if (task.pass_keys) {
    PassKeySettings settings = *task.pass_keys;
    if (most > 0)
      settings.count =
          static_cast<int>(std::min<std::size_t>(most, static_cast<std::size_t>(settings.count)));
    for (PassKeyPrompt& prompt : pass_keys(settings, tokenizer))
      all.push_back({{"text", {std::move(prompt.text)}}, {"key", {std::move(prompt.key)}}});
  }
  if (most > 0 && all.size() > most) all.resize(most);
  std::vector<TaskItem> items;
  for (const ItemFields& fields : all) {
    const std::string where = "Task " + in_quotes(task.name) + ", item " + std::to_string(items.size() + 1);
    TaskItem item{filled_text(task.system, fields, where),
                  filled_text(task.prompt, fields, where),
                  filled_text(task.expected, fields, where),
                  {}};
    item.gold = {all_filled(task.answers, fields, where), item.prompt,
                 all_filled(task.choices, fields, where)};
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace qkscope
