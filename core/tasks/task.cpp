#include "core/tasks/task.h"

#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"

namespace qkscope {

namespace {

using nlohmann::json;

/// `text` with every {name} replaced. Throws Error for a name that the item has not.
std::string filled(const std::string& text, const ItemFields& fields, const std::string& where) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = text.find('{', at);
    const auto close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) return made + text.substr(at);
    made += text.substr(at, open - at);
    const std::string name = text.substr(open + 1, close - open - 1);
    const auto field = fields.find(name);
    if (field == fields.end()) {
      std::string known;
      for (const auto& [key, values] : fields) known += (known.empty() ? "" : ", ") + in_quotes(key);
      throw Error(where + ": the text " + in_quotes(text) + " asks for " + in_quotes(name) +
                  ", expected one of " + known);
    }
    made += field->second.front();
    at = close + 1;
  }
  return made;
}

/// Each of several values of a field is an answer of its own.
std::vector<std::string> all_filled(const std::vector<std::string>& texts, const ItemFields& fields,
                                    const std::string& where) {
  std::vector<std::string> made;
  for (const std::string& text : texts) {
    const auto field = text.size() > 2 && text.front() == '{' && text.back() == '}'
                           ? fields.find(text.substr(1, text.size() - 2))
                           : fields.end();
    if (field == fields.end()) {
      made.push_back(filled(text, fields, where));
    } else {
      made.insert(made.end(), field->second.begin(), field->second.end());
    }
  }
  return made;
}

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

}  // namespace

std::string_view task_kind_name(TaskKind kind) {
  return kind == TaskKind::Context ? "context" : "memory";
}

Task read_task(const std::filesystem::path& path) {
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
  const auto rule = [&file](const char* key, const std::string& name) {
    try {
      return std::string(answer_rule(name).name);
    } catch (const Error& error) {
      throw Error(file.where() + ", " + in_quotes(key) + ": " + error.what());
    }
  };
  task.rule = rule("rule", file.text("rule"));
  if (file.has("published_rule")) task.published_rule = rule("published_rule", file.text("published_rule"));
  task.max_new_tokens = static_cast<int>(file.whole("max_new_tokens", task.max_new_tokens, 1, 1 << 20));
  task.chance = file.number("chance", 0, 0, 1);
  if (file.has("pass_keys")) {
    task.pass_keys = read_pass_keys(file);
  } else {
    task.items = read_items(file);
  }
  file.text("about", "");
  file.done();
  return task;
}

std::vector<TaskItem> items_of(const Task& task, const Tokenizer& tokenizer, std::size_t most) {
  std::vector<ItemFields> all = task.items;
  if (task.pass_keys) {
    PassKeySettings settings = *task.pass_keys;
    if (most > 0)
      settings.count =
          static_cast<int>(std::min<std::size_t>(most, static_cast<std::size_t>(settings.count)));
    for (PassKeyPrompt& prompt : pass_keys(settings, tokenizer))
      all.push_back({{"text", {std::move(prompt.text)}}, {"key", {std::move(prompt.key)}}});
  }
  if (most > 0 && all.size() > most) all.resize(most);
  std::vector<TaskItem> items;
  for (const ItemFields& fields : all) {
    const std::string where = "Task " + in_quotes(task.name) + ", item " + std::to_string(items.size() + 1);
    TaskItem item{filled(task.system, fields, where),
                  filled(task.prompt, fields, where),
                  filled(task.expected, fields, where),
                  {}};
    item.gold = {all_filled(task.answers, fields, where), item.prompt,
                 all_filled(task.choices, fields, where)};
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace qkscope
