#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "core/tasks/task.h"

namespace qkscope {

class Budget;

/// A question of knowledge with what answers it.
struct QaItem {
  std::string question;
  std::vector<std::string> answers;    // any of them is right; "Yes" or "No" where QaSet::yes_no
  std::string category, correct_fact;  // may be empty
  ItemFields more;                     // what else the file's row has, by its columns
  std::size_t row = 0;  // of the file, from 1: a line of .csv and .jsonl, else a place in the list
  bool operator==(const QaItem&) const = default;
};

/// A row that is no question, and why not, in one sentence.
struct QaProblem {
  std::size_t row = 0;
  std::string what;
  bool operator==(const QaProblem&) const = default;
};

/// Which columns of a file the parts of a question are. A question may also be a text with columns in braces:
/// "Is {city} in {country}?". Empty: none.
struct QaColumns {
  std::string question, answer, category, correct_fact;
  bool operator==(const QaColumns&) const = default;
};

/// Questions in the order of their file. Every one is answered by yes or no where nine of ten rows of it say
/// yes, no, true or false, or all say 1 or 0.
struct QaSet {
  std::string name;  // of the file, without its endings
  bool yes_no = false;
  std::vector<QaItem> items;
  std::vector<QaProblem> problems;
  QaColumns columns;  // that were read

  /// Indices of all items, in order.
  std::vector<std::size_t> all() const;
};

/// What is wanted of `chosen`, and where that is empty the column that has one of the usual names: question,
/// answer, category, correct_fact and others that published sets have. Empty where there is none.
QaColumns qa_columns(const std::vector<std::string>& columns, const QaColumns& chosen = {});

/// A file as of read_table(): .csv, .json or .jsonl, also gzipped, the published knowledge sets among them.
/// Rows without a question or an answer become problems. Throws Error naming the file where it cannot be
/// read, where a column is not there or which of them is the question or the answer is not known, and where
/// no row is a question.
QaSet read_qa_set(const std::filesystem::path& path, const QaColumns& chosen, Budget& budget);

}  // namespace qkscope
