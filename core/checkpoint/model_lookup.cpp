// Which file or folder is meant by a name.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/model_shelf.h"

namespace qkscope {

namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// "smollm2-135m-instruct" of "smollm2-135m-instruct.q4_1": what a converter appends says how the numbers are
/// stored, not which model it is.
std::string without_quantization(const std::string& name) {
  static const std::regex suffix("[.-](ud-)?(i?q[0-9][a-z0-9_]*|bf16|f16|f32|fp16|fp32)$");
  return name.size() > 255 ? name : std::regex_replace(name, suffix, "");
}

/// Text that can be the name of a model: what is longer is a prompt in the wrong place.
constexpr std::size_t longest_name = 512;

/// Whether `revision` is one of the model's own refs or the beginning of its commit.
bool has_revision(const ShelfModel& model, const std::string& revision) {
  return std::ranges::find(model.refs, revision) != model.refs.end() ||
         (revision.size() >= 4 && model.revision.starts_with(revision));
}

/// Of several revisions of one name that of "main", where it is there.
std::vector<ShelfModel> of_main(const std::vector<ShelfModel>& models) {
  std::map<std::string, bool> has_main;
  for (const ShelfModel& model : models) has_main[model.name] |= has_revision(model, "main");
  std::vector<ShelfModel> chosen;
  for (const ShelfModel& model : models) {
    if (!has_main[model.name] || has_revision(model, "main")) chosen.push_back(model);
  }
  return chosen;
}

/// "/a, /b, /c": QKScope's own folder, and those of others that are there.
std::string folders(const std::vector<ShelfPlace>& places) {
  std::string text;
  for (const ShelfPlace& place : places) {
    std::error_code problem;
    if (place.kind != ShelfKind::Own && !fs::is_directory(place.folder, problem)) continue;
    text += (text.empty() ? "" : ", ") + place.folder.string();
  }
  return text;
}

}  // namespace

std::string default_model_name() {
  return "SmolLM2-135M-Instruct.Q4_1";
}

std::vector<ShelfModel> named(const std::vector<ShelfModel>& shelf, const std::string& text) {
  if (text.size() > longest_name) return {};
  const auto at = text.rfind('@');
  const std::string revision = at == text.npos ? std::string() : text.substr(at + 1);
  std::string name = text.substr(0, at);
  if (name.ends_with(".gguf")) name.resize(name.size() - 5);
  if (name.empty()) return {};
  std::vector<ShelfModel> exact, other_case, same_model;
  for (const ShelfModel& model : shelf) {
    if (!revision.empty() && !has_revision(model, revision)) continue;
    // Ollama's "llama3.2" is "llama3.2:latest".
    const std::string latest = model.name == model.repository + ":latest" ? model.repository : model.name;
    if (model.name == name || latest == name) exact.push_back(model);
    if (lower(model.name) == lower(name) || lower(latest) == lower(name)) other_case.push_back(model);
    if (without_quantization(lower(model.name)) == lower(name) || lower(model.repository) == lower(name))
      same_model.push_back(model);
  }
  for (const auto* found : {&exact, &other_case, &same_model}) {
    if (!found->empty()) return revision.empty() ? of_main(*found) : *found;
  }
  return {};
}

std::string full_name(const ShelfModel& model) {
  return model.revision.empty() || has_revision(model, "main")
             ? model.name
             : model.name + "@" + (model.refs.empty() ? model.revision.substr(0, 12) : model.refs.front());
}

std::string model_name(const fs::path& path) {
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  std::error_code problem;
  const std::string file = clean.filename().string();
  if (clean.parent_path().filename() == "snapshots" || file.starts_with("sha256-")) {
    for (const ShelfModel& model : list_shelf(shelf_places())) {
      if (fs::equivalent(model.path, clean, problem)) return full_name(model);
    }
  }
  return fs::is_directory(path, problem) ? file : clean.stem().string();
}

fs::path find_model(const std::string& text) {
  std::error_code problem;  // a name may be too long for a file's
  if (fs::exists(text, problem)) return text;
  const std::vector<ShelfPlace> places = shelf_places();
  // What was installed for QKScope itself comes first.
  std::vector<ShelfModel> found = named(list_shelf({places.front()}), text);
  if (found.empty()) found = named(list_shelf({places.begin() + 1, places.end()}), text);
  if (found.size() == 1) return found.front().path;
  if (found.empty()) {
    throw Error("There is no model " + in_quotes(text) +
                ": neither a folder or file of this name, nor a model in " + folders(places) +
                "; packaging/run.sh installs the default one.");
  }
  std::set<std::string> names;
  for (const ShelfModel& model : found) names.insert(in_quotes(full_name(model)));
  if (names.size() < found.size()) {  // the same name in several places
    names.clear();
    for (const ShelfModel& model : found) names.insert(in_quotes(model.path.string()));
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw Error("The name " + in_quotes(text) + " fits " + std::to_string(found.size()) +
              " models; give one of " + list + ".");
}

}  // namespace qkscope
