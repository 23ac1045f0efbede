#pragma once
#include <span>
#include <vector>

#include "core/analysis/frequency.h"
#include "core/base/array.h"
#include "core/model/spec.h"

namespace qkscope {

/// Whether a query sees a key, both positions: not what comes later, nor what lies beyond its window or
/// chunk.
bool sees(const AttentionSpec& spec, int query, int key);

/// The layer whose keys the attention of `layer` reads.
inline int keys_layer(const AttentionSpec& spec, int layer) {
  return spec.keys_of_layer >= 0 ? spec.keys_of_layer : layer;
}

/// What an attention logit is made of; together the number that goes into the softmax:
/// softcap(scale * sum over d of q[d] k[d]) + bias.
struct LogitParts {
  std::vector<double> dims;  // scale * q[d] * k[d]
  double softcap = 0;        // what the soft-cap adds to their sum; 0 where there is none
  double bias = 0;           // ALiBi's

  double product() const;  // the sum over the dims
  double logit() const { return product() + softcap + bias; }
  /// Of the dims of each rotary pair, slowest last; the dims that do not rotate are in none.
  std::vector<double> by_pair(const FrequencyAxis& axis) const;
  /// Of those that are flagged; `flags` has one for each dim.
  double of(std::span<const std::uint8_t> flags) const;
};

/// Of query head `head`. `q` (positions, heads, head_dim) and `k` (positions, KV heads, head_dim) are what a
/// layer of `spec` multiplies: Site::Query, and Site::Key of the layer whose keys it reads. Throws Error for
/// other shapes, for a head or a position that is not there, and for a key that the query does not see.
LogitParts logit_parts(const AttentionSpec& spec, const Array& q, const Array& k, int head, int query,
                       int key);

}  // namespace qkscope
