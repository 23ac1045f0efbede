#include "core/run/rotation_edit.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/analysis/massive_values.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/rope.h"
#include "core/model/spec.h"
#include "core/run/disruption.h"

namespace qkscope {

bool RotationEdit::covers_site(Site site) const {
  return (site == Site::Query && query) || (site == Site::Key && key);
}

bool RotationEdit::operator==(const RotationEdit& other) const {
  return query == other.query && key == other.key && layers == other.layers && pairs == other.pairs &&
         shortest == other.shortest && longest == other.longest && instead == other.instead &&
         (instead != Instead::Random || seed == other.seed);
}

std::string describe(const RotationEdit& e) {
  std::string words = "no rotation of ";
  words += e.query && e.key ? "Q and K" : e.query ? "Q" : "K";
  words += e.pairs.empty() ? ", all pairs" : ", pairs " + format_ranges(e.pairs, 0);
  if (e.shortest > 0) words += ", wavelengths from " + number_text(e.shortest);
  if (std::isfinite(e.longest)) words += ", wavelengths below " + number_text(e.longest);
  words += e.layers.empty() ? ", all layers" : ", layers " + format_ranges(e.layers);
  if (e.instead == RotationEdit::Instead::Fastest) words += ": as many of the fastest others instead";
  if (e.instead == RotationEdit::Instead::Random)
    words += ": as many random others instead, seed " + std::to_string(e.seed);
  return words;
}

void check_rotation_edit(const RotationEdit& edit, const ModelSpec& spec) {
  if (!spec.rope()) {
    throw Error("The edit stops the rotation of Q and K, and " + spec.architecture +
                " rotates neither: its position embedding is " + describe_rotation(spec) + ".");
  }
  std::size_t most = 0;
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    const AttentionSpec* attention = spec.attention(layer);
    if (attention && attention->rope)
      most = std::max(most, static_cast<std::size_t>(attention->rope->rotary_dim / 2));
  }
  for (const int layer : edit.layers) {
    if (layer < 0 || layer >= spec.num_layers()) {
      throw Error("The edit names layer " + std::to_string(layer + 1) + "; the model has " +
                  std::to_string(spec.num_layers()) + " layers.");
    }
    const AttentionSpec* attention = spec.attention(layer);
    if (!attention || !attention->rope)
      throw Error("The edit stops the rotation in layer " + std::to_string(layer + 1) +
                  ", which has none: name layers that rotate, or none for all that do.");
  }
  if (!edit.pairs.empty() && edit.pairs.back() >= static_cast<int>(most)) {
    throw Error("The edit names rotary pair " + std::to_string(edit.pairs.back()) + "; the model has " +
                std::to_string(most) + ", counted from 0, the fastest.");
  }
}

namespace {

/// As many of the rest as `taken` has, as far as there are.
std::vector<int> others(const RotationEdit& edit, const std::vector<int>& taken, int pairs, SiteId where) {
  std::vector<int> order(static_cast<std::size_t>(pairs));
  if (edit.instead == RotationEdit::Instead::Fastest) {
    std::iota(order.begin(), order.end(), 0);
  } else {
    // Of Q and K the same: what is not turned in one alone would be another edit.
    const auto drawn = random_order(pairs, edit.seed, {where.layer, Site::Query}, 0);
    std::ranges::transform(drawn, order.begin(), [](std::int64_t pair) { return static_cast<int>(pair); });
  }
  std::erase_if(order, [&](int pair) { return std::ranges::binary_search(taken, pair); });
  order.resize(std::min(order.size(), taken.size()));
  std::ranges::sort(order);
  return order;
}

}  // namespace

std::vector<int> stopped_pairs(const RotationEdit& edit, const ModelSpec& spec, SiteId where) {
  const AttentionSpec* attention = spec.attention(where.layer);
  const bool covered = edit.layers.empty() || std::ranges::binary_search(edit.layers, where.layer);
  if (!covered || !edit.covers_site(where.site) || !attention || !attention->rope) return {};
  if (where.site == Site::Key && attention->keys_of_layer >= 0) return {};  // has no keys of its own
  const std::vector<double> inv_freq =
      rope_frequencies(*attention->rope, spec.max_position_embeddings, 1).inv_freq;
  const int pairs = static_cast<int>(inv_freq.size());
  std::vector<int> taken;
  for (int pair = 0; pair < pairs; ++pair) {
    const double turns = inv_freq[static_cast<std::size_t>(pair)];
    const double wavelength = 2 * std::numbers::pi / turns;
    const bool within = wavelength >= edit.shortest && wavelength < edit.longest;
    // A pair that stands still anyway is not stopped.
    if (turns > 0 && within && (edit.pairs.empty() || std::ranges::binary_search(edit.pairs, pair)))
      taken.push_back(pair);
  }
  return edit.instead == RotationEdit::Instead::None ? taken : others(edit, taken, pairs, where);
}

}  // namespace qkscope
