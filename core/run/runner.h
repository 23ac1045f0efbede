#pragma once
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/run/run.h"

namespace qkscope {

class LanguageModel;

/// What a model makes of texts that might follow its prompt.
struct Likelihoods {
  std::vector<std::vector<float>> nll;  // of every token of each, in nats
  std::int64_t replaced = 0;            // columns, as of Run
};

/// Runs requests on one model, one at a time, on the caller's thread. Keeps the baselines of the last prompts
/// (residual stream, KV cache, captures), so that a new disruption costs only the layers from the first
/// disrupted one on. Not thread-safe: one owner, one thread.
class Runner {
 public:
  explicit Runner(std::shared_ptr<const LanguageModel> model);
  ~Runner();

  /// One arm: the run with the request's edits; without, the baseline. Where the request scores a
  /// continuation and names none, it is the baseline's answer. Throws Error, or Cancelled where `stop` was
  /// asked.
  std::shared_ptr<const Run> run(const RunRequest& request, const RunEvents& events = {},
                                 std::stop_token stop = {});
  /// run() of each. Where they share a prompt, they share its baseline; answers are written side by side, if
  /// nothing but time hangs on that: see Decoder::rows_stand_alone(). Throws as run(); then none is told.
  std::vector<std::shared_ptr<const Run>> run_all(std::span<const RunRequest> requests,
                                                  std::stop_token stop = {});
  /// The run of the request beside that without its edits, with the results of both as they come: both
  /// passes, then both answers. Throws as run().
  Comparison compare(const RunRequest& request, const RunEvents& events = {}, std::stop_token stop = {});
  /// Each of `continuations` scored after the request's prompt, under its edits, as perplexity (a) scores the
  /// one that is expected. Throws as run().
  Likelihoods likelihoods(const RunRequest& request, const std::vector<TokenIds>& continuations,
                          std::stop_token stop = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Perplexity (b) of a text: one pass over `tokens` with all logits, under `edits` (what they find in the
/// baseline is found in the undisrupted pass over the same tokens).
Perplexity text_perplexity(const LanguageModel& model, const TokenIds& tokens, const Edits& edits = {},
                           std::stop_token stop = {});

}  // namespace qkscope
