#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/run/run.h"

namespace qkscope {

class Runner;
struct ModelSpec;

/// What is disrupted at one place, and which of its entries: the massive ones, or as many others.
enum class EffectSite { Query, Key, Both };
enum class EffectPick { Massive, Smallest, Random };
std::string_view effect_name(EffectSite site);  // "q", "k", "qk"
std::string_view effect_name(EffectPick pick);  // "massive", "smallest", "random"

/// What one layer, or one query head of it with the KV head that serves it, does to the answer when it alone
/// is disrupted.
struct EffectCell {
  int layer = 0, head = -1;  // 0-based; head -1: all of the layer
  EffectSite site = EffectSite::Query;
  EffectPick pick = EffectPick::Massive;
  std::optional<double> perplexity;  // (a), of the expected answer
  double change = 0;                 // mean of its nll less the baseline's, in nats: log of the ratio
  bool answer_changed = false;       // whether the answer is another than the baseline's
  std::int64_t replaced = 0;         // columns
};

struct EffectMap {
  TokenIds expected;  // what is scored
  TokenIds answer;    // the baseline's, in as many tokens as the expected one has at most
  std::optional<double> perplexity;
  std::vector<EffectCell> cells;
  /// The edit that made a cell.
  Edit edit(const EffectCell& cell) const;
  Disruption disruption;  // what all cells share; see effect_map()
};

struct EffectSettings {
  Disruption disruption;  // its pick, replacement, phase ...; site, layers and heads are the cells'
  bool per_head = false;
  std::uint64_t seed = 0;  // of random ones
  /// Of the same question and settings, from a map that was cancelled: told again, in their turn, and not
  /// computed again.
  std::vector<EffectCell> known = {};
};

/// A row a cell, with the keys and numbers of qkscope-cli's JSON (app/cli/JSON.md); all of a layer has no
/// head.
std::string to_csv(const EffectMap& map);

/// Every layer (and head) x site x pick, each from the residual stream that the baseline's pass kept below
/// it: first all massive ones, then the controls of those rows whose massive ones changed most. `request`:
/// prompt, stops, max_new_tokens of the answer, which is greedy, and the expected one (empty: the baseline's
/// answer). Answers are compared in as many tokens as the expected one has: what a model goes on to say after
/// it changes at the least touch, and says nothing of what was asked.
/// `on_cell` is told each cell as it comes, how many there are by then and will be. Throws Error, or
/// Cancelled.
EffectMap effect_map(
    Runner& runner, const ModelSpec& spec, const RunRequest& request, const EffectSettings& settings,
    const std::function<void(const EffectCell&, std::size_t done, std::size_t of)>& on_cell = {},
    std::stop_token stop = {});

}  // namespace qkscope
