#include "core/io/corpus.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"

namespace qkscope {

namespace {

/// All bytes; what is not gzipped is read as it is.
std::string read_all(const std::filesystem::path& path, Budget& budget) {
  if (std::filesystem::is_directory(path))
    throw Error("Cannot read " + in_quotes(path.string()) + ": it is a folder; give a text file");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw Error("Cannot open " + in_quotes(path.string()) + "; give a text file that can be read");
  std::string text;
  std::string piece(std::size_t{1} << 20, '\0');
  for (;;) {
    const int count = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()));
    int problem = Z_OK;
    const char* words = gzerror(file.get(), &problem);
    if (count < 0 || (problem != Z_OK && problem != Z_STREAM_END)) {
      throw Error("Cannot read " + in_quotes(path.string()) + ": its gzip stream is damaged (" + words +
                  "); fetch it again");
    }
    if (count == 0) return text;
    budget.charge(static_cast<std::uint64_t>(count));
    budget.step();
    text.append(piece, 0, static_cast<std::size_t>(count));
  }
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  throw Error(in_quotes(path.string()) + ", line " + std::to_string(line) + ": " + what);
}

std::vector<std::string> json_lines(const std::filesystem::path& path, const std::string& text,
                                    const std::string& column, Budget& budget) {
  std::vector<std::string> documents;
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = std::string_view(text).substr(start, end - start);
    start = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const nlohmann::json row =
        parse_json(line, in_quotes(path.string()) + ", line " + std::to_string(number), budget);
    const auto found = row.is_object() ? row.find(column) : row.end();
    if (found == row.end() || !found->is_string())
      refuse(path, number, "there is no text " + in_quotes(column) + "; name the key that holds it");
    documents.push_back(found->get<std::string>());
  }
  return documents;
}

/// One row from `at` on, which moves behind it; `line` counts the lines.
std::vector<std::string> csv_row(const std::filesystem::path& path, const std::string& text, std::size_t& at,
                                 std::size_t& line) {
  std::vector<std::string> fields(1);
  const std::size_t first = line;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) refuse(path, first, "a quoted field has no end");
  return fields;
}

std::vector<std::string> csv_column(const std::filesystem::path& path, const std::string& text,
                                    const std::string& column, Budget& budget) {
  std::size_t at = 0, line = 1;
  const std::vector<std::string> names = csv_row(path, text, at, line);
  const auto place = static_cast<std::size_t>(std::ranges::find(names, column) - names.begin());
  if (place == names.size()) {
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + in_quotes(name);
    refuse(path, 1, "there is no column " + in_quotes(column) + ", expected one of " + known);
  }
  std::vector<std::string> documents;
  while (at < text.size()) {
    const std::size_t start = line;
    std::vector<std::string> row = csv_row(path, text, at, line);
    budget.step();
    if (row.size() == 1 && row.front().empty()) continue;
    if (row.size() != names.size()) {
      refuse(path, start,
             "there are " + std::to_string(row.size()) + " fields, expected " + std::to_string(names.size()));
    }
    documents.push_back(std::move(row[place]));
  }
  return documents;
}

}  // namespace

std::vector<std::string> read_documents(const std::filesystem::path& path, const std::string& column,
                                        Budget& budget) {
  const std::filesystem::path plain = path.extension() == ".gz" ? path.stem() : path.filename();
  const std::string text = read_all(path, budget);
  std::vector<std::string> documents;
  if (plain.extension() == ".jsonl") {
    documents = json_lines(path, text, column, budget);
  } else if (plain.extension() == ".csv") {
    documents = csv_column(path, text, column, budget);
  } else if (plain.extension() == ".txt") {
    documents = {text};
  } else {
    throw Error("Cannot read " + in_quotes(path.string()) +
                " as a corpus: its name ends in none of .txt, .jsonl, .csv, nor in one of them and .gz");
  }
  std::erase(documents, std::string());
  if (documents.empty()) throw Error(in_quotes(path.string()) + " holds no text");
  return documents;
}

}  // namespace qkscope
