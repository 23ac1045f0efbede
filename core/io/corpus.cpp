#include "core/io/corpus.h"

#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"
#include "core/io/text_rows.h"

namespace qkscope {

namespace {

std::vector<std::string> json_lines(const std::filesystem::path& path, const std::string& text,
                                    const std::string& column, Budget& budget) {
  std::vector<std::string> documents;
  each_line(text, [&](std::string_view line, std::size_t number) {
    const nlohmann::json row =
        parse_json(line, in_quotes(path.string()) + ", line " + std::to_string(number), budget);
    const auto found = row.is_object() ? row.find(column) : row.end();
    if (found == row.end() || !found->is_string())
      refuse_row(path, number, "there is no text " + in_quotes(column) + "; name the key that holds it");
    documents.push_back(found->get<std::string>());
  });
  return documents;
}

std::vector<std::string> csv_column(const std::filesystem::path& path, const std::string& text,
                                    const std::string& column, Budget& budget) {
  std::size_t at = 0, line = 1;
  const std::vector<std::string> names = csv_row(path, text, at, line);
  const auto place = static_cast<std::size_t>(std::ranges::find(names, column) - names.begin());
  if (place == names.size()) {
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + in_quotes(name);
    refuse_row(path, 1, "there is no column " + in_quotes(column) + ", expected one of " + known);
  }
  std::vector<std::string> documents;
  while (at < text.size()) {
    const std::size_t start = line;
    std::vector<std::string> row = csv_row(path, text, at, line);
    budget.step();
    if (row.size() == 1 && row.front().empty()) continue;
    if (row.size() != names.size()) {
      refuse_row(
          path, start,
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
  const std::string text = read_maybe_gzipped(path, budget);
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
