#include "core/tasks/qa_set.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <optional>

#include "core/base/blanks.h"
#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/table_file.h"
#include "core/tasks/words.h"

namespace qkscope {

namespace {

using Row = TableFile::Row;

bool is_template(const std::string& text) {
  return text.find('{') != text.npos;
}

std::string list_of(const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + in_quotes(column);
  return list;
}

/// The texts of a column that say something.
std::vector<std::string> texts_of(const Row& row, const std::string& column) {
  std::vector<std::string> texts;
  const auto found = row.values.find(column);
  if (found == row.values.end()) return texts;
  for (const std::string& value : found->second) {
    if (const auto bare = without_blanks(value); !bare.empty()) texts.emplace_back(bare);
  }
  return texts;
}

std::string text_of(const Row& row, const std::string& column) {
  std::string text;
  for (const std::string& value : texts_of(row, column)) text += (text.empty() ? "" : ", ") + value;
  return text;
}

/// What a value says by itself, of words or of the digits 1 and 0; nothing where it is another text.
std::optional<bool> word_truth(const std::string& value) {
  const std::string word = lower_case(value);
  if (word == "yes" || word == "true") return true;
  return word == "no" || word == "false" ? std::optional(false) : std::nullopt;
}
std::optional<bool> digit_truth(const std::string& value) {
  return value == "1" || value == "0" ? std::optional(value == "1") : std::nullopt;
}
using Truth = std::optional<bool> (*)(const std::string&);

/// How the rows say yes and no; null where they say something else.
Truth truth_of(const std::vector<Row>& rows, const std::string& column) {
  std::size_t words = 0, digits = 0, answers = 0;
  for (const Row& row : rows) {
    const std::vector<std::string> texts = texts_of(row, column);
    if (texts.empty()) continue;
    ++answers;
    words += texts.size() == 1 && word_truth(texts.front()) ? 1 : 0;
    digits += texts.size() == 1 && digit_truth(texts.front()) ? 1 : 0;
  }
  if (answers > 0 && 10 * words >= 9 * answers) return word_truth;
  return answers > 0 && digits == answers ? digit_truth : nullptr;
}

/// Throws Error in one sentence about the row alone.
QaItem item_of(const Row& row, const QaColumns& columns, Truth truth) {
  QaItem item;
  item.row = row.number;
  item.question = is_template(columns.question) ? filled_text(columns.question, row.values, "The row")
                                                : text_of(row, columns.question);
  if (item.question.empty()) throw Error("There is no question in " + in_quotes(columns.question));
  item.answers = texts_of(row, columns.answer);
  if (item.answers.empty()) throw Error("There is no answer in " + in_quotes(columns.answer));
  if (truth) {
    const auto said = item.answers.size() == 1 ? truth(item.answers.front()) : std::nullopt;
    if (!said)
      throw Error("The answer is " + in_quotes(text_of(row, columns.answer)) +
                  ", expected yes or no as in the other rows");
    item.answers = {*said ? "Yes" : "No"};
  }
  item.category = text_of(row, columns.category);
  item.correct_fact = text_of(row, columns.correct_fact);
  for (const auto& [column, values] : row.values) {
    const bool used = column == columns.question || column == columns.answer || column == columns.category ||
                      column == columns.correct_fact;
    // What cannot be written back as a field of its own name stays in the file.
    const bool own =
        column == "question" || column == "answer" || column == "category" || column == "correct_fact";
    if (!used && !own && !values.empty()) item.more[column] = values;
  }
  return item;
}

/// Throws Error where the columns are not in the table, or not known.
void check(const QaColumns& columns, const TableFile& table, const std::string& where) {
  const auto there = [&](const std::string& column) {
    if (column.empty() || std::ranges::find(table.columns, column) != table.columns.end()) return;
    throw Error(where + " has no column " + in_quotes(column) + ", expected one of " +
                list_of(table.columns));
  };
  if (!is_template(columns.question)) there(columns.question);
  for (const std::string* column : {&columns.answer, &columns.category, &columns.correct_fact})
    there(*column);
  for (const auto& [what, column] :
       {std::pair("question", &columns.question), std::pair("answer", &columns.answer)}) {
    if (column->empty())
      throw Error("Which column of " + where + " holds the " + what + " is not known: choose one of " +
                  list_of(table.columns));
  }
}

}  // namespace

std::vector<std::size_t> QaSet::all() const {
  std::vector<std::size_t> indices(items.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

QaColumns qa_columns(const std::vector<std::string>& columns, const QaColumns& chosen) {
  QaColumns found = chosen;
  const auto find = [&](std::string& column, std::initializer_list<std::string_view> names) {
    if (!column.empty()) return;
    for (const std::string_view name : names) {
      const auto at = std::ranges::find_if(columns, [&](const auto& c) { return lower_case(c) == name; });
      if (at == columns.end()) continue;
      column = *at;
      return;
    }
  };
  find(found.question, {"question", "query", "prompt", "problem"});
  find(found.answer, {"answer", "answers", "correct_answer", "correct", "label", "gold", "target"});
  find(found.category, {"category", "subject", "topic"});
  find(found.correct_fact, {"correct_fact", "fact", "explanation"});
  return found;
}

QaSet read_qa_set(const std::filesystem::path& path, const QaColumns& chosen, Budget& budget) {
  const TableFile table = read_table(path, budget);
  const std::string where = in_quotes(path.string());
  QaSet set;
  set.name = (path.extension() == ".gz" ? path.stem() : path).stem().string();
  set.columns = qa_columns(table.columns, chosen);
  check(set.columns, table, where);
  const Truth truth = truth_of(table.rows, set.columns.answer);
  set.yes_no = truth != nullptr;
  for (const Row& row : table.rows) {
    budget.step();
    try {
      set.items.push_back(item_of(row, set.columns, truth));
    } catch (const Error& problem) {
      set.problems.push_back({row.number, problem.what()});
    }
  }
  if (set.items.empty()) {
    throw Error(where + " holds no question: row " + std::to_string(set.problems.front().row) + ": " +
                set.problems.front().what);
  }
  return set;
}

}  // namespace qkscope
