// Which file or folder is meant by a name.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <vector>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/language_model.h"

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
  return std::regex_replace(name, suffix, "");
}

/// The models that `text` may mean, by file name: of the first way to read it that fits any.
std::vector<std::string> installed_as(const std::string& text) {
  std::vector<std::string> exact, other_case, same_model;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(models_folder(), problem)) {
    const std::string file = entry.path().filename().string();
    const std::string stem = file.ends_with(".gguf") ? file.substr(0, file.size() - 5) : file;
    if (text == file || text == stem) exact.push_back(file);
    if (lower(text) == lower(file) || lower(text) == lower(stem)) other_case.push_back(file);
    if (lower(text) == without_quantization(lower(stem))) same_model.push_back(file);
  }
  for (auto* found : {&exact, &other_case, &same_model}) {
    std::ranges::sort(*found);
    if (!found->empty()) return *found;
  }
  return {};
}

}  // namespace

std::filesystem::path models_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path base =
      cache && *cache ? std::filesystem::path(cache) : std::filesystem::path(home ? home : ".") / ".cache";
  return base / "qkscope" / "models";
}

std::string default_model_name() {
  return "SmolLM2-135M-Instruct.Q4_1";
}

fs::path find_model(const std::string& text) {
  std::error_code problem;  // a name may be too long for a file's
  if (fs::exists(text, problem)) return text;
  const std::vector<std::string> found = installed_as(text);
  if (found.size() == 1) return models_folder() / found.front();
  if (found.empty()) {
    throw Error("There is no model " + in_quotes(text) +
                ": neither a folder or file of this name, nor a model in " + models_folder().string() +
                "; packaging/run.sh installs the default one.");
  }
  std::string names;
  for (const std::string& name : found) names += (names.empty() ? "" : ", ") + in_quotes(name);
  throw Error("The name " + in_quotes(text) + " fits " + std::to_string(found.size()) + " models in " +
              models_folder().string() + "; give one of " + names + ".");
}

}  // namespace qkscope
