#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/model/language_model.h"
#include "core/model/spec_source.h"
#include "core/run/run.h"
#include "core/text/prompt.h"

namespace qkscope {

/// One arm of a recorded prompt.
struct RecordedRun {
  Edits edits;  // those that were switched on; none: the baseline
  std::shared_ptr<const Run> run;
  std::string answer;  // its text
};

struct RecordedPrompt {
  WrittenPrompt written;
  std::string expected;  // the continuation that was scored; empty: the baseline's answer
  TokenizedPrompt read;
  TokenIds expected_ids;
  std::vector<RecordedRun> runs;  // the baseline first

  /// Null where it was not recorded.
  const RecordedRun* find(const Edits& edits) const;
};

/// Runs of a model's, with all that pictures and panels show of them: to be explored where the model is not.
struct Recording {
  std::string recorded;  // when: "2026-11-27T12:10:00Z"
  ModelCard card;
  SpecSource source;                  // of card.spec
  int max_new_tokens = 0;             // the longest answer
  ActivationRule rule;                // of massive activations, by which they were looked for
  std::map<int, std::string> pieces;  // the readable text of every token that occurs
  std::vector<RecordedPrompt> prompts;
};

/// What is to be recorded.
struct RecordingPlan {
  struct Prompt {
    WrittenPrompt written;
    std::string expected;
  };
  std::vector<Prompt> prompts;
  std::vector<Edits> arms;  // each is run beside the baseline of each prompt
  int max_new_tokens = 24;
  ActivationRule rule;
  /// Single values of Q, K and V and attention patterns are kept of these layers (0-based, sorted); nothing:
  /// of all, where they would take no more than `value_bytes` if every prompt were as long as the one that is
  /// run, else of none.
  std::optional<std::vector<int>> value_layers;
  static constexpr std::int64_t value_bytes = std::int64_t{512} << 20;
};

/// M of Q, K and V and the residual stream's largest numbers in all layers, and values as the plan says.
Needs recorded_needs(const ModelSpec& spec, std::size_t positions, const RecordingPlan& plan);

/// Runs what `recording` does not hold yet; begins it where it is empty. `report` is told how many of the
/// plan's runs are done. Throws Error, or Cancelled: the next call goes on with what is there then.
void record(const std::shared_ptr<const LanguageModel>& model, const RecordingPlan& plan,
            Recording& recording, const std::function<void(int done, int of)>& report, std::stop_token stop);

}  // namespace qkscope
