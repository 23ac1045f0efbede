#include "core/checkpoint/chat_template.h"

#include <map>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Sources by their names.
using Templates = std::map<std::string, std::string>;

std::string read(const fs::path& path, Budget& budget) {
  const MappedFile file(path);
  budget.charge(file.bytes().size());
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

Templates files_in(const fs::path& folder, Budget& budget) {
  Templates templates;
  std::error_code none;
  if (fs::is_regular_file(folder / "chat_template.jinja", none))
    templates["default"] = read(folder / "chat_template.jinja", budget);
  for (const auto& entry : fs::directory_iterator(folder / "additional_chat_templates", none)) {
    if (entry.path().extension() == ".jinja") templates[entry.path().stem()] = read(entry.path(), budget);
  }
  return templates;
}

ChatTemplate choose(const Templates& templates, const std::string& where) {
  if (const auto found = templates.find("default"); found != templates.end()) return {found->second, {}};
  std::string names;
  for (const auto& [name, source] : templates) names += (names.empty() ? "" : ", ") + in_quotes(name);
  return {{}, where + " holds chat templates named " + names + " and none named 'default'"};
}

ChatTemplate from_config(const fs::path& path, Budget& budget) {
  const json config = read_json_object(path, budget);
  const std::string where = in_quotes(path.string());
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return {};
  if (found->is_string()) return {*found, {}};
  Templates templates;
  if (found->is_object()) {
    for (const auto& [name, source] : found->items()) {
      if (source.is_string()) templates[name] = source;
    }
  }
  if (found->is_array()) {
    for (const json& entry : *found) {
      const bool sound = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                         entry.contains("template") && entry["template"].is_string();
      if (sound) templates[entry["name"]] = entry["template"];
    }
  }
  if (!templates.empty()) return choose(templates, where);
  return {{},
          "'chat_template' in " + where + " is a JSON " + found->type_name() +
              ", expected a string or a list of templates with their names"};
}

}  // namespace

ChatTemplate choose_chat_template(const fs::path& folder, Budget& budget) {
  budget.set_what("The chat template in " + in_quotes(folder.string()));
  try {
    if (const Templates templates = files_in(folder, budget); !templates.empty())
      return choose(templates, in_quotes(folder.string()));
    std::error_code none;
    const fs::path config = folder / "tokenizer_config.json";
    return fs::exists(config, none) ? from_config(config, budget) : ChatTemplate{};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

}  // namespace qkscope
