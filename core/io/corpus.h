#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace qkscope {

class Budget;

/// The documents of a corpus: of .txt all of it as one; of .jsonl the string `column` of each line's object;
/// of .csv (RFC 4180, names in the first row) that column of each row. Each also gzipped, with .gz behind.
/// Throws Error naming the file, the line and what was expected.
std::vector<std::string> read_documents(const std::filesystem::path& path, const std::string& column,
                                        Budget& budget);

}  // namespace qkscope
