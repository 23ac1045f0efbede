#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/capture.h"
#include "core/base/pick.h"

namespace qkscope {

/// An entry of M that Definition 1 calls massive: M[h, d] > lambda * mean over d' of M[h, d'].
struct MassiveValue {
  SiteId where;
  int head = 0;
  int dim = 0;
  float m = 0;      // M[h, d], in the unit of the site
  float ratio = 0;  // m / mean of its head
  bool operator==(const MassiveValue&) const = default;
};

/// Mean over the dims of each head of M (heads, head_dim); NaN where the head holds a NaN.
std::vector<float> head_means(const Array& m);
/// Strongest M / mean of each head.
std::vector<float> strongest_ratios(const Array& m);
/// (heads * head_dim) flags, row-major: what `pick` takes of M. Ties go to the lower dim; NaN is never taken.
/// `layer` and `site` enter only the seed of PickKind::Random, so that heads and layers differ.
std::vector<std::uint8_t> select(const Array& m, const Pick& pick, SiteId where = {});
/// The order in which PickKind::Random takes the dims of a head: the first n of it are the draw.
std::vector<std::int64_t> random_order(std::int64_t dims, std::uint64_t seed, SiteId where, int head);
/// The dims of one head of M in the order in which `pick` (Largest, Smallest or Random) takes them, the first
/// `most` of them; ties by the lower dim, NaN is left out.
std::vector<std::size_t> taking_order(std::span<const float> row, const Pick& pick, SiteId where, int head,
                                      std::size_t most = SIZE_MAX);
/// M[h, d] = L2 norm over the positions of (positions, heads, head_dim), but for those of `left_out`, sorted.
Array norms_over_positions(const Array& values, std::span<const int> left_out = {});

/// All massive values of `site` in every captured layer, strongest ratio first.
std::vector<MassiveValue> massive_values(const Norms& norms, Site site, double lambda);

/// What one number of the window's counters says.
struct MassiveCount {
  std::int64_t massive = 0;
  std::int64_t entries = 0;             // layers * heads * head_dim looked at
  std::int64_t low_frequency_half = 0;  // of the massive ones: rotary pair in the slower half
};

}  // namespace qkscope
