#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/array.h"
#include "core/io/line_file.h"

namespace qkscope {

/// What was found of sequences of tokens, so that an experiment that was stopped goes on where it stood: an
/// answer a line of a file, {"key", "question", "answer"}.
class SequenceStore {
 public:
  SequenceStore() = default;  // of no file: it knows nothing and keeps nothing
  /// `computed_by` tells a model and the way it computes from all others. Throws Error for a file that holds
  /// something else, which is left as it is, and where another program is adding to it.
  SequenceStore(const std::filesystem::path& path, std::string computed_by);

  /// The answer to `question` of `sequence`: the one that is there, or what `compute` gives, which is kept.
  /// Throws Error where the one that is there is none of this type.
  template <typename Compute>
  auto answer(const std::string& question, const TokenIds& sequence, const Compute& compute) {
    using Answer = decltype(compute());
    const std::string key = key_of(question, sequence);
    if (const auto known = answers_.find(key); known != answers_.end()) {
      try {
        return known->second.get<Answer>();
      } catch (const nlohmann::json::exception& problem) {
        refuse(question, problem.what());
      }
    }
    Answer found = compute();
    keep(key, question, nlohmann::json(found));
    return found;
  }

 private:
  std::string key_of(std::string_view question, const TokenIds& sequence) const;
  void keep(const std::string& key, const std::string& question, const nlohmann::json& answer);
  [[noreturn]] void refuse(const std::string& question, const std::string& problem) const;

  std::string path_, computed_by_;
  std::map<std::string, nlohmann::json> answers_;
  LineFile file_;
};

}  // namespace qkscope
