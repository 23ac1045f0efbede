#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/analysis/frequency.h"

namespace qkscope {

/// A massive value of a K head and one of a query head that reads it, on the same rotary pair: on the same
/// dim or on the two that turn together.
struct PartnerLink {
  int layer = 0, kv_head = 0, key_dim = 0, head = 0, query_dim = 0;
  bool operator==(const PartnerLink&) const = default;
};

/// Which massive dims of K answer to which of the query heads that read them.
struct PartnerLinks {
  std::vector<PartnerLink> links;  // by layer, KV head, dim of K, query head, dim of Q
  std::int64_t key_values = 0;     // massive values of K that were looked at
  std::int64_t linked = 0;         // of them, those with a link at least
  /// The mean of `linked` were each query head's massive values drawn at random from its dims.
  double expected_linked = 0;
};

/// `query`, `key`: sites of M, both before or both after RoPE. Of a dim that does not rotate only the same
/// dim is a link.
PartnerLinks partner_links(const Norms& norms, Site query, Site key, double lambda, const LayerAxes& axes);

}  // namespace qkscope
