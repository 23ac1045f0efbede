#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/array.h"
#include "core/io/line_file.h"

namespace qkscope {

/// What one question under one arm gave.
struct TrialResult {
  std::string key;  // of model, tokens, edits and settings: see plan_experiment()
  std::string answer;
  TokenIds ids;
  bool stopped = false;
  std::optional<double> perplexity;  // (a), of the expected answer
  std::int64_t replaced = 0;
  double ms = 0;
  /// Others that were asked for, as of TaskScore.
  std::map<std::string, double> perplexities = {};
  std::vector<double> choice_nll = {};  // of each choice as a whole, in nats, where one of them is the answer
  bool operator==(const TrialResult&) const = default;
};

/// The results of a folder: files of one JSON object a line, results.jsonl or results-2-of-4.jsonl, to which
/// lines are added and nothing else is done. Whatever moment the program is killed at, every result that was
/// added is there, and a line that was cut off counts as never written.
class ResultStore {
 public:
  /// Reads what all files of `folder` hold. Throws Error for a line that is no result, other than a last one
  /// without its end.
  static ResultStore read(const std::filesystem::path& folder);
  /// The same, to add results to the file of that shard (1 of 1: of all); makes the folder. Throws Error
  /// where another program is adding to that file.
  static ResultStore open(const std::filesystem::path& folder, int shard = 1, int shards = 1);

  /// Null where there is none.
  const TrialResult* find(const std::string& key) const;
  /// Appends it, unless the key is there. `labels`: names for people who read the file. Throws Error, which
  /// leaves the file as it was.
  void add(const TrialResult& result, const std::map<std::string, std::string>& labels);
  /// Takes over what `other` has and this one has not.
  void add_all(const ResultStore& other);
  /// What it holds now, to be read elsewhere while more is added here.
  ResultStore snapshot() const;
  std::size_t size() const { return results_.size(); }

 private:
  ResultStore() = default;
  void read_file(const std::filesystem::path& path);

  std::map<std::string, TrialResult> results_;
  std::map<std::string, std::string> lines_;  // by key, to be written again as they were
  LineFile file_;
};

}  // namespace qkscope
