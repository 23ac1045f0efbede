#pragma once
#include <utility>
#include <vector>

#include "core/analysis/frequency.h"
#include "core/base/array.h"
#include "core/model/spec.h"

namespace qkscope {

/// The vectors that the two dims of a rotary pair make over the positions.
struct PairMean {
  double x = 0, y = 0;  // of their mean; x is of the pair's first dim
  double length = 0;    // mean of their lengths
  double agreement =
      0;  // length of the mean / mean of the lengths: 1 where all point one way; 0 where all are 0
};

/// Of every pair of one head, the fastest first. `values` (positions, heads, head_dim). Throws Error for a
/// shape without such a head or too few dims.
std::vector<PairMean> pair_means(const Array& values, const FrequencyAxis& axis, int head);

/// What a pair gives to the logit of a query and a key that are 0, 1, ... positions before it, if both were
/// always their mean before RoPE: scale * |q| |k| cos(distance * inv_freq + angle of q - angle of k).
/// `scale` holds the square of the rotation's own factor, too.
std::vector<double> predicted_logits(const PairMean& q, const PairMean& k, double inv_freq, double scale,
                                     int distances);
/// What it gives in fact: the mean of scale * (q_i k_i + q_j k_j) over the queries that see a key at that
/// distance, NaN where none does. `q` and `k` after RoPE, as logit_parts() takes them; `dims` the pair's.
std::vector<double> measured_logits(const AttentionSpec& spec, const Array& q, const Array& k, int head,
                                    std::pair<int, int> dims);

}  // namespace qkscope
