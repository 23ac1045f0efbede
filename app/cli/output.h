#pragma once
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope::cli {

/// Rows of texts in aligned columns; those of numbers to the right.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = true;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `value` with so many digits after the point.
std::string fixed(double value, int digits);
/// "98.4 MB", "1.2 GB"
std::string bytes_text(double bytes);
/// "reading weights, 312.0 of 660.4 MB"; without a total, the stage alone.
std::string progress_text(std::string_view stage, double done, double total);
/// Over the last such line on stderr, where that is a terminal; an empty text wipes it.
void tell_line(const std::string& text);
/// On one line: line breaks, tabs and so on written as in C, other control characters as ?.
std::string one_line(const std::string& text);

}  // namespace qkscope::cli
