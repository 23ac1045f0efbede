#include "core/io/table_file.h"

#include <algorithm>
#include <set>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"
#include "core/io/text_rows.h"

namespace qkscope {

namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

TableFile::Row json_row(const json& object, std::size_t number, const std::string& where) {
  if (!object.is_object()) throw Error(where + " is " + short_json(object) + ", expected an object");
  TableFile::Row row;
  row.number = number;
  for (const auto& [name, value] : object.items()) {
    if (value.is_array()) {
      for (const json& part : value) {
        if (part.is_primitive() && !part.is_null()) row.values[name].push_back(text_of(part));
      }
    } else if (value.is_primitive() && !value.is_null()) {
      row.values[name] = {text_of(value)};
    }
  }
  return row;
}

/// The one list of objects that stands in a document: the document itself, or one of its members.
const json& list_of(const json& document, const std::string& where) {
  if (document.is_array()) return document;
  const json* found = nullptr;
  for (const auto& [name, value] : document.items()) {
    if (!value.is_array() || value.empty() || !value.front().is_object()) continue;
    if (found) throw Error(where + " has several lists of objects; keep the one that holds the rows");
    found = &value;
  }
  if (!found) throw Error(where + " has no list of objects, expected one that holds the rows");
  return *found;
}

std::vector<TableFile::Row> json_lines(const std::string& text, const std::string& where, Budget& budget) {
  std::vector<TableFile::Row> rows;
  each_line(text, [&](std::string_view line, std::size_t number) {
    const std::string here = where + ", line " + std::to_string(number);
    rows.push_back(json_row(parse_json(line, here, budget), number, here));
  });
  return rows;
}

/// Whether the first line is a whole JSON object and others follow.
bool has_object_a_line(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  const auto end = text.find('\n', start == text.npos ? 0 : start);
  if (start == text.npos || end == text.npos || text.find_first_not_of(" \t\r\n", end) == text.npos)
    return false;
  return json::accept(text.substr(start, end - start));
}

std::vector<TableFile::Row> json_file(const std::string& text, const std::string& where, Budget& budget) {
  if (has_object_a_line(text)) return json_lines(text, where, budget);
  const json document = parse_json(text, where, budget);
  std::vector<TableFile::Row> rows;
  for (const json& object : list_of(document, where))
    rows.push_back(json_row(object, rows.size() + 1, where + ", row " + std::to_string(rows.size() + 1)));
  return rows;
}

TableFile csv_file(const std::filesystem::path& path, const std::string& text, Budget& budget) {
  TableFile table;
  std::size_t at = 0, line = 1;
  table.columns = csv_row(path, text, at, line);
  // What some programs put in front of UTF-8.
  if (table.columns.front().starts_with("\xef\xbb\xbf")) table.columns.front().erase(0, 3);
  for (const std::string& name : table.columns) {
    if (std::ranges::count(table.columns, name) > 1)
      refuse_row(path, 1, "the column " + in_quotes(name) + " is there twice");
  }
  while (at < text.size()) {
    TableFile::Row row;
    row.number = line;
    std::vector<std::string> fields = csv_row(path, text, at, line);
    budget.step();
    if (fields.size() == 1 && fields.front().empty()) continue;
    if (fields.size() != table.columns.size()) {
      refuse_row(path, row.number,
                 "there are " + std::to_string(fields.size()) + " fields, expected " +
                     std::to_string(table.columns.size()));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) row.values[table.columns[i]] = {std::move(fields[i])};
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

TableFile read_table(const std::filesystem::path& path, Budget& budget) {
  const std::filesystem::path plain = path.extension() == ".gz" ? path.stem() : path.filename();
  const std::string where = in_quotes(path.string());
  const std::string kind = plain.extension().string();
  if (kind != ".csv" && kind != ".jsonl" && kind != ".json") {
    throw Error("Cannot read " + where +
                " as a table: its name ends in none of .csv, .jsonl, .json, nor in one of them and .gz");
  }
  const std::string text = read_maybe_gzipped(path, budget);
  TableFile table;
  if (kind == ".csv") {
    table = csv_file(path, text, budget);
  } else {
    table.rows = kind == ".jsonl" ? json_lines(text, where, budget) : json_file(text, where, budget);
    std::set<std::string> names;
    for (const TableFile::Row& row : table.rows) {
      for (const auto& [name, values] : row.values) names.insert(name);
    }
    table.columns.assign(names.begin(), names.end());
  }
  if (table.rows.empty()) throw Error(where + " holds no row");
  return table;
}

}  // namespace qkscope
