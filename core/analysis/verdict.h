#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/analysis/frequency.h"

namespace qkscope {

/// A dim that is massive in several heads of one layer: a stripe across the heatmap of its heads.
struct Stripe {
  int layer = 0, dim = 0;
  int heads = 0;     // in which it is massive
  int of_heads = 0;  // heads of the layer
  bool operator==(const Stripe&) const = default;
};

/// How the massive values of one site lie.
struct SiteVerdict {
  MassiveCount count;
  std::int64_t heads = 0;       // looked at, of all layers together
  std::int64_t heads_with = 0;  // of them, those with a massive value
  std::vector<Stripe> stripes;  // massive in at least half of a layer's heads and in two; widest first
  /// Sum over layers and dims of the pairs of heads in which the dim is massive: c (c - 1) / 2.
  std::int64_t shared = 0;
  double expected_shared = 0;  // its mean where every head puts as many values on dims drawn at random
  /// Permutation test, one-sided: the share of such random placements (the observed one counted among them)
  /// that share at least as much. Nothing where no layer has two heads with massive values.
  std::optional<double> p;
};

/// What the paper's Table 3 asks of a model (arXiv 2502.01563): whether the massive values of Q and K are
/// concentrated, with V as the control. The table gives no rule; this one is ours and is always shown with
/// it: at least 80 % of the heads of Q and K together hold a massive value, and, with RoPE, at least 80 % of
/// the massive values lie in the low-frequency half of the layer's ruler; without RoPE, heads share their
/// massive dims beyond chance (p < 0.01 in Q or in K).
struct Verdict {
  SiteVerdict query, key, value;
  bool rope = false;
  double heads_share = 0;  // of Q and K
  double low_share = 0;    // of Q's and K's massive values; 0 where there are none
  bool concentrated = false;
};

inline constexpr double verdict_share = 0.8;
inline constexpr double verdict_p = 0.01;
/// Random placements of the permutation test; 1 / (placements + 1) is the least p.
inline constexpr int verdict_placements = 999;

/// `sites`: those of Q, K and V that are meant, before or after RoPE. The same capture gives the same p: the
/// placements are drawn from a fixed seed.
Verdict verdict(const Norms& norms, const std::array<Site, 3>& sites, double lambda, const LayerAxes& axes);

}  // namespace qkscope
