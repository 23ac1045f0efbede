#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/pick.h"
#include "core/run/column_entries.h"

namespace qkscope {

enum class Replace { Mean, Zero, Max, Min };
/// The values Mean, Max and Min are taken over, per head and over all positions of the pass.
enum class Pool { Chosen, Head, Own };  // the chosen columns | all columns of the head | each column its own
/// Clean: the entries found in the baseline. Live: found in the disrupted pass itself, as published.
/// Position: in the pass itself, at each position for itself and in all heads at once, by the norm over the
/// heads: what the published code does to Gemma 2, for which it takes positions for heads. What else is said
/// of a head (the mean, lambda) is then said of a position.
enum class Mask { Clean, Live, Position };
enum class Phase { Prefill, EveryStep };

/// One intervention on the columns (head, dim) of Q, K or V after RoPE, as a value. The published variants
/// are settings of these fields (see presets()), never branches in the model.
struct Disruption {
  bool query = true;
  bool key = false;
  bool value = false;
  std::vector<int> layers;  // 0-based, sorted; empty = all
  std::vector<int> heads;  // 0-based query heads, sorted; empty = all. K and V: the KV heads that serve them.
  Pick pick;
  Replace replace = Replace::Mean;
  Pool pool = Pool::Head;
  Mask mask = Mask::Clean;
  Phase phase = Phase::Prefill;
  bool reaches_kv_cache = true;  // later steps read the disrupted K and V (Llama as published), or clean ones
  /// Not empty: these columns and no rule's, ordered (see ordered()); site, layers, heads, pick and mask have
  /// then no say ...
  std::vector<ColumnEntry> entries;
  /// ... but where this says that as many others of the same heads are taken in their place, as `pick` has
  /// it: its kind, Largest, Smallest (by M of the baseline) or Random, and its seed.
  bool instead_of_entries = false;

  bool covers_layer(int layer) const;
  bool covers_site(Site site) const;  // Query, Key or Value
  /// Whether what it takes is found in M of the baseline.
  bool reads_baseline() const;
  /// Two disruptions are equal where they do the same: fields that have no say do not count.
  bool operator==(const Disruption& other) const;
};

/// The same disruption of as many other columns of each head: `kind` Smallest or Random.
Disruption control_of(Disruption disruption, PickKind kind);

struct DisruptionPreset {
  std::string name;   // "lambda 5 on Q", "published", "published control", ...
  std::string about;  // one sentence
  Disruption disruption;
};
/// The named presets, in the order menus show them.
const std::vector<DisruptionPreset>& presets();

/// "lambda 5 on Q, all layers, head mean, clean mask, prefill": for toolbars, captions, logs.
std::string describe(const Disruption& disruption);
/// The option text that parse_disruption reads back: "site=q,pick=lambda:5,replace=mean,...".
std::string to_option(const Disruption& disruption);
/// A preset's name, or key=value pairs: site=q|k|qk|v|qkv|..., pick=lambda:x|largest:n|smallest:n|random:n (n
/// may be "lambda:x": as many as lambda x finds), seed=s, replace=mean|zero|max|min, pool=chosen|head|own,
/// mask=clean|live|position, phase=prefill|every, cache=disrupted|clean, layers=all|1-4,7, heads=all|1,3
/// (1-based); or in place of site, layers, heads, pick and mask entries=..., see parse_entries(), and then
/// pick=smallest:entries and so on for as many others. Keys left out keep their defaults. Throws Error naming
/// the key and what is allowed.
Disruption parse_disruption(std::string_view text);

/// "1-4,7" or "all" -> 0-based sorted indices (empty for "all"); the inverse. `what` names the option in
/// errors, `first` is the number of index 0. Throws Error for anything else.
std::vector<int> parse_ranges(std::string_view text, std::string_view what, int first = 1);
std::string format_ranges(const std::vector<int>& indices, int first = 1);

}  // namespace qkscope
