#include "core/tasks/task.h"

#include <algorithm>
#include <array>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"

namespace qkscope {

namespace {

using nlohmann::json;

std::vector<std::string> values_of(const json& value, const std::string& where) {
  const auto one = [&](const json& v) -> std::string {
    if (v.is_string()) return v.get<std::string>();
    if (v.is_number_integer()) return std::to_string(v.get<std::int64_t>());
    throw Error(where + " is " + short_json(v) + ", expected a text or a whole number");
  };
  if (!value.is_array()) return {one(value)};
  std::vector<std::string> values;
  for (const json& v : value) values.push_back(one(v));
  if (values.empty()) throw Error(where + " is an empty list, expected a text");
  return values;
}

/// Objects, or, where the task names its "fields", lists of as many values.
std::vector<ItemFields> read_items(JsonFields& file) {
  const std::vector<std::string> names =
      file.has("fields") ? file.texts("fields") : std::vector<std::string>();
  std::vector<ItemFields> items;
  for (const json& row : file.list("items")) {
    const std::string where = file.where() + ", item " + std::to_string(items.size() + 1);
    ItemFields fields;
    if (names.empty()) {
      if (!row.is_object()) throw Error(where + " is " + short_json(row) + ", expected an object");
      for (const auto& [name, value] : row.items())
        fields[name] = values_of(value, where + ", " + in_quotes(name));
    } else {
      if (!row.is_array() || row.size() != names.size())
        throw Error(where + " is " + short_json(row) + ", expected a list of " +
                    std::to_string(names.size()));
      for (std::size_t i = 0; i < names.size(); ++i)
        fields[names[i]] = values_of(row[i], where + ", " + in_quotes(names[i]));
    }
    items.push_back(std::move(fields));
  }
  if (items.empty()) file.fail("items", "is empty, expected at least one item");
  return items;
}

PassKeySettings read_pass_keys(JsonFields& file) {
  JsonFields keys(file.object("pass_keys"), file.where() + ", 'pass_keys'");
  PassKeySettings settings;
  const auto whole = [&keys](const char* key, int& value, int least, int most) {
    value = static_cast<int>(keys.whole(key, value, least, most));
  };
  whole("length", settings.length, 1, 1 << 24);
  whole("digits", settings.digits, 1, 4096);
  whole("insert_position", settings.insert_position, 0, 1 << 24);
  whole("interval", settings.interval, 0, 1 << 24);
  whole("count", settings.count, 1, 1 << 20);
  settings.honour_length = keys.flag("honour_length", false);
  if (keys.has("seed")) settings.seed = static_cast<std::uint32_t>(keys.whole("seed", 0, 0, 0xFFFFFFFF));
  keys.done();
  return settings;
}

std::map<std::string, std::string> read_texts(JsonFields& fields, const std::string& key) {
  std::map<std::string, std::string> texts;
  if (!fields.has(key)) return texts;
  JsonFields named(fields.object(key), fields.where() + ", " + in_quotes(key));
  for (const auto& [name, value] : fields.object(key).items()) texts[name] = named.text(name);
  return texts;
}

TaskSource read_source(JsonFields& file, const std::filesystem::path& folder,
                       const std::filesystem::path& data) {
  TaskSource source;
  source.file = file.text("file");
  source.places = {folder};
  if (!data.empty()) source.places.push_back(data);
  source.columns = read_texts(file, "columns");
  source.where = read_texts(file, "where");
  if (file.has("values")) {
    JsonFields values(file.object("values"), file.where() + ", 'values'");
    for (const auto& [name, map] : file.object("values").items())
      source.values[name] = read_texts(values, name);
  }
  return source;
}

/// What `find` has for the value of `key`, or its Error with the place.
template <typename Find>
auto named(const JsonFields& file, const std::string& key, const std::string& name, const Find& find) {
  try {
    return find(name);
  } catch (const Error& error) {
    throw Error(file.where() + ", " + in_quotes(key) + ": " + error.what());
  }
}

constexpr std::array answers_by = {
    std::pair{AnswerBy::Writing, std::string_view("writing")},
    std::pair{AnswerBy::Likelihood, std::string_view("likelihood")},
    std::pair{AnswerBy::LikelihoodPerByte, std::string_view("likelihood_per_byte")}};

}  // namespace

std::string_view answer_by_name(AnswerBy by) {
  return std::ranges::find(answers_by, by, &std::pair<AnswerBy, std::string_view>::first)->second;
}

AnswerBy answer_by(std::string_view name) {
  for (const auto& [by, known] : answers_by) {
    if (known == name) return by;
  }
  throw Error("An answer is found by " + in_quotes(std::string(name)) +
              ", expected 'writing', 'likelihood' or 'likelihood_per_byte'");
}

AnswerBy read_answer_by(JsonFields& fields, AnswerBy absent) {
  if (!fields.has("answer_by")) return absent;
  return named(fields, "answer_by", fields.text("answer_by"), answer_by);
}

std::string_view task_kind_name(TaskKind kind) {
  return kind == TaskKind::Context ? "context" : "memory";
}

Task read_task(const std::filesystem::path& path, const std::filesystem::path& data) {
  Budget budget("The task " + in_quotes(path.string()));
  const json document = read_json_object(path, budget);
  JsonFields file(document, in_quotes(path.string()));
  Task task;
  task.name = path.stem().string();
  task.title = file.text("title", task.name);
  const std::string kind = file.text("kind");
  if (kind != "context" && kind != "memory")
    file.fail("kind", "is " + in_quotes(kind) + ", expected 'context' or 'memory'");
  task.kind = kind == "context" ? TaskKind::Context : TaskKind::Memory;
  task.system = file.text("system", "");
  task.prompt = file.text("prompt");
  task.expected = file.text("expected", "");
  task.answers = file.texts("answers");
  if (file.has("choices")) task.choices = file.texts("choices");
  const auto rule = [](const std::string& name) { return std::string(answer_rule(name).name); };
  task.rule = named(file, "rule", file.text("rule"), rule);
  if (file.has("published_rule"))
    task.published_rule = named(file, "published_rule", file.text("published_rule"), rule);
  task.answer_by = read_answer_by(file, task.answer_by);
  task.max_new_tokens = static_cast<int>(file.whole("max_new_tokens", task.max_new_tokens, 1, 1 << 20));
  task.chance = file.number("chance", 0, 0, 1);
  if (file.has("pass_keys")) {
    task.pass_keys = read_pass_keys(file);
  } else if (file.has("file")) {
    task.source = read_source(file, path.parent_path().empty() ? "." : path.parent_path(), data);
  } else {
    task.items = read_items(file);
  }
  file.text("about", "");
  file.done();
  return task;
}

}  // namespace qkscope
