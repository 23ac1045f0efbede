#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/capture.h"
#include "core/run/edit.h"
#include "core/run/left_out.h"

namespace qkscope {

/// Of which (T, C) sites every layer's largest numbers are kept, how many, and which rule takes how many
/// more.
struct ActivationNeeds {
  std::set<Site> sites = {};
  ActivationRule rule = {};
  int top = 3;
  bool every_position = false;  // the largest of every position, too
  bool operator==(const ActivationNeeds&) const = default;
};

/// What a run is to keep. Norms are small (heads x head_dim per layer), as are summaries of activations;
/// values are whole tensors.
struct Needs {
  std::set<Site> norms;           // M of these sites (Query, Key, Value, ...Pre), in every layer of `layers`
  std::set<Site> values;          // every number of these sites in `value_layers`
  std::vector<int> layers;        // 0-based, sorted; empty = all
  std::vector<int> value_layers;  // likewise
  ActivationNeeds activations = {};
  std::set<HeadId> patterns = {};  // heads whose attention pattern is kept
  std::set<Site> row_norms = {};   // sites whose first axis are positions: each one's L2 norm, in all layers
  LeftOut left_out = {};           // norms are also told without these positions

  /// Union, for several views that look at one run; of two rules the one that takes what either takes. What
  /// `other` leaves out, if anything, is what is left out.
  Needs& operator|=(const Needs& other);
  bool operator==(const Needs&) const = default;
};

struct Sampling {
  double temperature = 0.0;  // 0 = greedy: the most probable token, the lower id where two are equal
  double top_p = 1.0;
  int top_k = 0;  // 0 = all
  std::uint64_t seed = 0;
  bool operator==(const Sampling&) const = default;
};

struct TokenProbability {
  int id = 0;
  float logit = 0;
  float probability = 0;
  bool operator==(const TokenProbability&) const = default;
};

/// Everything a run depends on, as a value: equal requests give equal runs.
struct RunRequest {
  TokenIds prompt;
  Edits edits;  // made in this order; none that is switched on = the baseline
  Needs needs;
  int max_new_tokens = 0;
  TokenIds stop_tokens;
  Sampling sampling;
  /// The continuation that perplexity (a) scores; empty = the baseline's answer.
  TokenIds expected;
  bool score_continuation = false;  // perplexity (a)
  bool score_prompt = false;        // perplexity (b) of the prompt itself
  bool score_as_published = false;  // perplexity (c)
  int top_next_tokens = 8;
  /// As many of the most probable tokens are kept in the place of every token that (a) or (b) scores.
  int top_scored_tokens = 0;

  bool operator==(const RunRequest&) const = default;
};

/// (a) Continuation: the prompt is prefilled under the disruption and its KV cache kept; a fixed continuation
/// is scored after it, disrupted only if the phase says every step. (b) Text: one pass over one text, first
/// token not scored. (c) AsPublished: prompt and continuation in one disrupted pass, the continuation scored.
enum class PerplexityDefinition { Continuation, Text, AsPublished };
std::string_view definition_name(PerplexityDefinition definition);   // "continuation", "text", "as_published"
std::string_view definition_words(PerplexityDefinition definition);  // a sentence for a person

struct Perplexity {
  PerplexityDefinition definition = PerplexityDefinition::Continuation;
  TokenIds tokens;         // the scored tokens
  std::vector<float> nll;  // negative log-likelihood of each, in nats
  /// What the model would have had in the place of each, most probable first; none where they are not asked
  /// for, and of (c).
  std::vector<std::vector<TokenProbability>> alternatives = {};
  /// exp(mean nll); nothing where no token was scored.
  std::optional<double> value() const;
  bool operator==(const Perplexity&) const = default;
};

/// What one pass (baseline or disrupted) gave.
struct Run {
  Capture capture;
  std::vector<TokenProbability> next_tokens;  // after the prompt, most probable first
  TokenIds answer;                            // generated ids, the stop token included
  bool stopped = false;                       // ended by a stop token, not by max_new_tokens
  std::optional<Perplexity> continuation, prompt_text, as_published;
  std::int64_t replaced = 0;  // columns (layer, head, dim) replaced in the prefill
  int first_layer = 0;        // the prefill was computed from this layer on (0 = all of it)
  double prefill_ms = 0, decode_ms = 0;
};

/// Two runs on one prompt that differ in the edits alone. `disrupted` is null without one.
struct Comparison {
  RunRequest request;
  std::shared_ptr<const Run> baseline, disrupted;
};

enum class Arm { Baseline, Disrupted };

/// Called on the thread that runs, as results come. Any may be empty.
struct RunEvents {
  std::function<void(Arm, SiteId, const SharedArray& norm)> norm;  // M of one layer and site
  std::function<void(Arm, int layer, int num_layers)> layer;       // this layer of a prefill is done
  /// In long prefills, several times a second: so many layers are done and a part of the next.
  std::function<void(Arm, double layers, int num_layers)> progress;
  std::function<void(Arm, std::shared_ptr<const Run>)> prefilled;  // capture and next_tokens are complete
  std::function<void(Arm, int id)> token;                          // one more token of the answer
  std::function<void(Arm, const Perplexity&)> scored;
};

}  // namespace qkscope
