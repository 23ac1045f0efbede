#include "app/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace qkscope::cli {

namespace {

/// Characters, which is columns for all but wide scripts.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(width(columns_[c].title));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], width(row[c]));
  }
  const auto print_row = [&](const auto& text_of) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const std::string text = text_of(c);
      const std::string space(widths[c] - width(text), ' ');
      if (c > 0) line += "  ";
      line += columns_[c].right ? space + text : text + space;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  };
  print_row([&](std::size_t c) { return columns_[c].title; });
  for (const auto& row : rows_) print_row([&](std::size_t c) { return row[c]; });
}

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

namespace {

constexpr std::array byte_units = {"B", "kB", "MB", "GB", "TB"};

/// The unit that `bytes` are told in, as a power of 1000.
std::size_t byte_unit(double bytes) {
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < byte_units.size(); ++unit) bytes /= 1000;
  return unit;
}

std::string in_unit(double bytes, std::size_t unit) {
  return fixed(bytes / std::pow(1000.0, static_cast<double>(unit)), unit == 0 ? 0 : 1);
}

}  // namespace

std::string bytes_text(double bytes) {
  const std::size_t unit = byte_unit(bytes);
  return in_unit(bytes, unit) + " " + byte_units[unit];
}

std::string progress_text(std::string_view stage, double done, double total) {
  if (!(total > 0)) return std::string(stage);
  const std::size_t unit = byte_unit(total);
  return std::string(stage) + ", " + in_unit(done, unit) + " of " + in_unit(total, unit) + " " +
         byte_units[unit];
}

void tell_line(const std::string& text) {
  if (isatty(STDERR_FILENO)) std::cerr << "\r\033[K" << text << std::flush;
}

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else if (c == '\r') {
      line += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += "?";
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace qkscope::cli
