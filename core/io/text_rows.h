#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

class Budget;

// What files of one row a line, or about a line, are read with.

/// All bytes of a file; what is not gzipped is read as it is. Throws Error naming it.
std::string read_maybe_gzipped(const std::filesystem::path& path, Budget& budget);

/// Throws Error that names the file and the line.
[[noreturn]] void refuse_row(const std::filesystem::path& path, std::size_t line, const std::string& what);

/// Every line that is not blank, with its number from 1.
void each_line(std::string_view text,
               const std::function<void(std::string_view line, std::size_t number)>& use);

/// The fields of one row of CSV (RFC 4180) from `at` on, which moves behind it; `line` counts the lines.
std::vector<std::string> csv_row(const std::filesystem::path& path, const std::string& text, std::size_t& at,
                                 std::size_t& line);
/// `text` as such a row writes it: in quotes where it has to be.
std::string csv_field(const std::string& text);

}  // namespace qkscope
