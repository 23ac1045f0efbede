#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/site.h"

namespace qkscope {

struct ModelSpec;

/// Rotary pairs of Q and K that stand still, as if all positions were the first: while the prompt is read and
/// at every step of the answer.
struct RotationEdit {
  /// As many others of the same layer in their place: those of the shortest wavelengths, or drawn at random.
  enum class Instead { None, Fastest, Random };

  bool query = true, key = true;
  std::vector<int> layers;  // 0-based, sorted; empty = all that rotate
  std::vector<int> pairs;   // sorted, 0 the fastest; empty = all ...
  // ... whose wavelength, in positions, is from `shortest` on and below `longest`
  double shortest = 0, longest = std::numeric_limits<double>::infinity();
  Instead instead = Instead::None;
  std::uint64_t seed = 0;  // Instead::Random

  bool covers_site(Site site) const;  // Query or Key
  /// Two edits are equal where they do the same: fields that have no say do not count.
  bool operator==(const RotationEdit& other) const;
};

/// "no rotation of Q and K, pairs 24-31, layers 1-4"
std::string describe(const RotationEdit& edit);
/// The option text that parse_rotation_edit reads back: "rotation=off,site=qk,pairs=all,...".
std::string to_option(const RotationEdit& edit);
/// key=value pairs, the first of them rotation=off: site=q|k|qk, pairs=all|0-3,24 (from 0, the fastest),
/// wavelengths=all|FROM:TO in positions (either may be left out), layers=all|1-4,7 (from 1),
/// instead=none|fastest|random, seed=s. Throws Error naming the key and what is allowed.
RotationEdit parse_rotation_edit(std::string_view text);
/// Whether `text` is for parse_rotation_edit().
bool is_rotation_edit(std::string_view text);

/// Throws Error for a layer or pair that the model has not, for a layer that does not rotate, and for a model
/// that has no RoPE.
void check_rotation_edit(const RotationEdit& edit, const ModelSpec& spec);

/// The pairs of a layer that the edit stops, sorted, of Q or K; none where it does not cover the layer, or
/// the layer does not rotate.
std::vector<int> stopped_pairs(const RotationEdit& edit, const ModelSpec& spec, SiteId where);

}  // namespace qkscope
