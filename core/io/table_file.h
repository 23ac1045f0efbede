#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace qkscope {

class Budget;

/// Rows of named values, as data sets come: a value is a text, or several where the file has a list.
struct TableFile {
  std::vector<std::string> columns;  // of CSV in the file's order, else sorted; each in at least one row
  struct Row {
    std::map<std::string, std::vector<std::string>> values;
    std::size_t number = 0;  // from 1: the line of .csv and .jsonl, else the place in the list
  };
  std::vector<Row> rows;
};

/// .csv (RFC 4180, names in the first row), .jsonl (an object a line), and .json, which is a list of objects,
/// an object with one such list in it, or an object a line. Each also gzipped, with .gz behind. Numbers and
/// true and false become texts; null and objects count as absent. Throws Error naming file, row and what was
/// expected.
TableFile read_table(const std::filesystem::path& path, Budget& budget);

}  // namespace qkscope
