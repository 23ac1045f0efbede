#include "core/tasks/result_store.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"

namespace qkscope {

namespace {

namespace fs = std::filesystem;

std::string line_of(const TrialResult& result, const std::map<std::string, std::string>& labels) {
  using Json = nlohmann::ordered_json;
  Json json = {{"key", result.key}};
  for (const auto& [name, text] : labels) json[name] = text;
  json["answer"] = result.answer;
  json["ids"] = result.ids;
  json["stopped"] = result.stopped;
  const bool told = result.perplexity && std::isfinite(*result.perplexity);
  json["perplexity"] = told ? Json(*result.perplexity) : Json(nullptr);
  if (!result.perplexities.empty()) json["perplexities"] = result.perplexities;
  if (!result.choice_nll.empty()) json["choice_nll"] = result.choice_nll;
  json["replaced"] = result.replaced;
  json["ms"] = std::round(result.ms);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TrialResult read_line(std::string_view line, const std::string& where) {
  const nlohmann::json json = parse_json(line, where);
  JsonFields fields(json, where);
  TrialResult result;
  result.key = fields.text("key");
  result.answer = fields.text("answer");
  result.ids = fields.wholes("ids");
  result.stopped = fields.flag("stopped", false);
  if (json.contains("perplexity") && json["perplexity"].is_number())
    result.perplexity = json["perplexity"].get<double>();
  if (json.contains("perplexities")) {
    for (const auto& [name, value] : fields.object("perplexities").items()) {
      if (value.is_number()) result.perplexities[name] = value.get<double>();
    }
  }
  if (fields.has("choice_nll")) result.choice_nll = fields.numbers("choice_nll");
  result.replaced = fields.whole("replaced", 0, 0, std::numeric_limits<std::int64_t>::max());
  result.ms = fields.number("ms", 0, 0, 1e15);
  return result;
}

bool is_results(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("results") && name.ends_with(".jsonl");
}

}  // namespace

void ResultStore::read_file(const fs::path& path) {
  LineFile::read(path, [this](std::string_view line, const std::string& where) {
    TrialResult result = read_line(line, where);
    const std::string key = result.key;
    if (results_.emplace(key, std::move(result)).second) lines_.emplace(key, line);
  });
}

ResultStore ResultStore::read(const fs::path& folder) {
  ResultStore store;
  std::error_code problem;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (is_results(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) store.read_file(file);
  return store;
}

ResultStore ResultStore::open(const fs::path& folder, int shard, int shards) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw Error("Cannot make the folder " + in_quotes(folder.string()) + ": " + problem.message() +
                "; choose another one");
  const std::string name =
      shards == 1 ? "results.jsonl"
                  : "results-" + std::to_string(shard) + "-of-" + std::to_string(shards) + ".jsonl";
  LineFile file(folder / name);
  ResultStore store = read(folder);
  store.file_ = std::move(file);
  store.file_.drop_cut_line();
  return store;
}

const TrialResult* ResultStore::find(const std::string& key) const {
  const auto found = results_.find(key);
  return found == results_.end() ? nullptr : &found->second;
}

void ResultStore::add(const TrialResult& result, const std::map<std::string, std::string>& labels) {
  if (results_.contains(result.key)) return;
  std::string line = line_of(result, labels);
  if (file_) file_.add(line);
  results_.emplace(result.key, result);
  lines_.emplace(result.key, std::move(line));
}

ResultStore ResultStore::snapshot() const {
  ResultStore copy;
  copy.results_ = results_;
  return copy;
}

void ResultStore::add_all(const ResultStore& other) {
  for (const auto& [key, result] : other.results_) {
    if (results_.contains(key)) continue;
    if (file_) file_.add(other.lines_.at(key));
    results_.emplace(key, result);
    lines_.emplace(key, other.lines_.at(key));
  }
}

}  // namespace qkscope
