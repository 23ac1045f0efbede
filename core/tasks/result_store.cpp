#include "core/tasks/result_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"

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
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

TrialResult read_line(std::string_view line, const std::string& where) {
  const nlohmann::json json = parse_json(line, where);
  JsonFields fields(json, where);
  TrialResult result;
  result.key = fields.text("key");
  result.answer = fields.text("answer");
  for (const auto& id : fields.list("ids")) {
    if (!id.is_number_integer()) fields.fail("ids", "holds " + short_json(id) + ", expected whole numbers");
    result.ids.push_back(id.get<int>());
  }
  result.stopped = fields.flag("stopped", false);
  if (json.contains("perplexity") && json["perplexity"].is_number())
    result.perplexity = json["perplexity"].get<double>();
  if (json.contains("perplexities")) {
    for (const auto& [name, value] : fields.object("perplexities").items()) {
      if (value.is_number()) result.perplexities[name] = value.get<double>();
    }
  }
  if (json.contains("choice_nll")) {
    for (const auto& nll : fields.list("choice_nll")) {
      if (!nll.is_number()) fields.fail("choice_nll", "holds " + short_json(nll) + ", expected numbers");
      result.choice_nll.push_back(nll.get<double>());
    }
  }
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
  if (fs::file_size(path) == 0) return;
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  std::size_t number = 0;
  // What follows the last line break was cut off, or is being written this moment.
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1) {
    ++number;
    const std::string_view line = text.substr(at, end - at);
    TrialResult result = read_line(line, in_quotes(path.string()) + ", line " + std::to_string(number));
    const std::string key = result.key;
    if (results_.emplace(key, std::move(result)).second) lines_.emplace(key, std::string(line) + "\n");
  }
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
  const fs::path path = folder / name;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0)
    throw Error("Cannot write " + in_quotes(path.string()) + ": " + std::strerror(errno) +
                "; choose a folder you may write to");
  // Some network file systems know no locks: there this is the user's own care.
  if (::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file);
    throw Error("Another program is adding to " + in_quotes(path.string()) +
                "; wait for it, or give another folder with --out");
  }
  ResultStore store;
  try {
    store = read(folder);
    store.path_ = path;
    store.file_ = file;
    // A line that was cut off makes room for the next.
    struct stat info {};
    off_t whole = ::fstat(file, &info) == 0 ? info.st_size : 0;
    for (char last = 0; whole > 0 && ::pread(file, &last, 1, whole - 1) == 1 && last != '\n';) --whole;
    if (whole < info.st_size && ::ftruncate(file, whole) != 0)
      throw Error("Cannot write " + in_quotes(path.string()) + ": " + std::strerror(errno));
  } catch (...) {
    if (store.file_ < 0) ::close(file);
    throw;
  }
  return store;
}

ResultStore::~ResultStore() {
  if (file_ < 0) return;
  ::fdatasync(file_);
  ::close(file_);
}

ResultStore::ResultStore(ResultStore&& other) noexcept
    : results_(std::move(other.results_)),
      lines_(std::move(other.lines_)),
      path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      synced_(other.synced_) {}

ResultStore& ResultStore::operator=(ResultStore&& other) noexcept {
  std::swap(results_, other.results_);
  std::swap(lines_, other.lines_);
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(synced_, other.synced_);
  return *this;
}

const TrialResult* ResultStore::find(const std::string& key) const {
  const auto found = results_.find(key);
  return found == results_.end() ? nullptr : &found->second;
}

void ResultStore::append(const std::string& line) {
  struct stat before {};
  ::fstat(file_, &before);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(file_, line.data() + done, line.size() - done);
    if (count > 0) done += static_cast<std::size_t>(count);
    if (count >= 0 || errno == EINTR) continue;
    const int problem = errno;
    const bool undone = ::ftruncate(file_, before.st_size) == 0;
    throw Error("Cannot add to " + in_quotes(path_.string()) + ": " + std::strerror(problem) +
                (undone ? "; what was there before is kept" : ""));
  }
  // Against a loss of power; against the end of the program the write alone is enough.
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < std::chrono::seconds(1)) return;
  ::fdatasync(file_);
  synced_ = now;
}

void ResultStore::add(const TrialResult& result, const std::map<std::string, std::string>& labels) {
  if (results_.contains(result.key)) return;
  std::string line = line_of(result, labels);
  append(line);
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
    if (file_ >= 0) append(other.lines_.at(key));
    results_.emplace(key, result);
    lines_.emplace(key, other.lines_.at(key));
  }
}

}  // namespace qkscope
