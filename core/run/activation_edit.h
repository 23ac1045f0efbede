#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/activations.h"
#include "core/base/site.h"

namespace qkscope {

struct ModelSpec;

/// A number of a (T, C) site, of every position where it says so.
struct ActivationEntry {
  static constexpr int every = -1;
  int position = every;  // 0-based
  int dim = 0;
  auto operator<=>(const ActivationEntry&) const = default;
};

/// The signed mean of a dim over the massive activations of a corpus: at position 0 and at all others.
/// Nothing where the corpus has none there.
struct ActivationMean {
  static constexpr int every = -1;
  int layer = every;  // 0-based; every: wherever the edit writes, as published
  int dim = 0;
  std::optional<float> start, other;
  bool operator==(const ActivationMean&) const = default;
};

/// Numbers of the residual stream, or of what mixer or ffn give, that become others while the prompt is read.
struct ActivationEdit {
  /// First: those the rule takes in the first layer where it takes any. Each: those of each layer, there.
  /// Published: at the positions of First all of `dims`, whether or not the rule takes them there, written at
  /// the one layer of `layers`. All are found in the baseline.
  enum class Scope { First, Each, Published };
  enum class Set { Zero, Value, Mean };

  Site site = Site::ResidPost;  // ResidPost, AttnOut or MlpOut
  Scope scope = Scope::First;
  std::vector<int> layers;  // 0-based, sorted: where to look; empty = all. Published: where to write; empty =
                            // the first layer where the rule takes any
  ActivationRule rule;
  std::vector<int> dims;  // Published: sorted; empty = all that the rule takes in any layer of this pass
  /// Not empty: these, in all of `layers`, ordered; scope, rule and dims have then no say.
  std::vector<ActivationEntry> entries;
  Set set = Set::Zero;
  double value = 0;                   // Set::Value
  std::vector<ActivationMean> means;  // Set::Mean: measured before; empty = over what this edit takes in the
                                      // pass itself, of each layer and dim position 0 and the others apart
  /// As many other numbers of the same layer become the same instead, those next to its median in magnitude.
  /// Not with Set::Mean.
  bool control = false;

  bool finds() const { return entries.empty(); }  // by the rule
  /// Two edits are equal where they do the same: fields that have no say do not count.
  bool operator==(const ActivationEdit& other) const;
};

struct ActivationPreset {
  std::string name;   // "massive activations to zero", ...
  std::string about;  // one sentence
  ActivationEdit edit;
};
const std::vector<ActivationPreset>& activation_presets();

/// "massive activations of resid_post, first layer, to zero"
std::string describe(const ActivationEdit& edit);
/// The option text that parse_activation_edit reads back: "activations=first,site=resid_post,set=zero,...".
std::string to_option(const ActivationEdit& edit);
/// key=value pairs, the first of them activations=first|each|published or entries such as 0:507 *:3,7
/// (position: dims, both from 0): site=resid_post|attn_out|mlp_out, layers=all|1-4,7 (from 1), over=100,
/// times=1000, dims=447, set=zero|mean|a number, means=12:507:24926.2:17530.5 (layer or *, dim, at the start,
/// elsewhere; - for none), control=median|none. Throws Error naming the key and what is allowed.
ActivationEdit parse_activation_edit(std::string_view text);
/// Whether `text` is for parse_activation_edit().
bool is_activation_edit(std::string_view text);

/// Throws Error for a layer or dim that the model has not.
void check_activation_edit(const ActivationEdit& edit, const ModelSpec& spec);

}  // namespace qkscope
