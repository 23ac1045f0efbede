#include "core/analysis/partner_links.h"

#include <algorithm>
#include <set>

namespace qkscope {

namespace {

/// The share of draws of `count` of `dims` dims without replacement that miss `wanted` of them.
double share_that_misses(std::int64_t dims, std::int64_t count, std::int64_t wanted) {
  double share = 1;
  for (std::int64_t i = 0; i < wanted; ++i)
    share *= std::max(0.0, static_cast<double>(dims - count - i)) / static_cast<double>(dims - i);
  return share;
}

/// The massive dims of every head.
std::vector<std::vector<int>> massive_dims(const Array& m, double lambda) {
  Pick pick;
  pick.kind = PickKind::Lambda;
  pick.lambda = lambda;
  const std::vector<std::uint8_t> flags = select(m, pick);
  const auto dims = static_cast<std::size_t>(m.shape[1]);
  std::vector<std::vector<int>> heads(static_cast<std::size_t>(m.shape[0]));
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) heads[i / dims].push_back(static_cast<int>(i % dims));
  }
  return heads;
}

}  // namespace

PartnerLinks partner_links(const Norms& norms, Site query, Site key, double lambda, const LayerAxes& axes) {
  PartnerLinks found;
  for (const auto& [where, keys] : norms) {
    const auto queries = norms.find({where.layer, query});
    if (where.site != key || queries == norms.end()) continue;
    const std::int64_t dims = queries->second->shape[1];
    const auto of_keys = massive_dims(*keys, lambda), of_queries = massive_dims(*queries->second, lambda);
    const std::size_t groups = of_queries.size() / of_keys.size();
    const FrequencyAxis& axis = axes.of(where.layer);
    for (std::size_t kv_head = 0; kv_head < of_keys.size(); ++kv_head) {
      for (const int dim : of_keys[kv_head]) {
        std::set<int> pair{dim};
        if (const auto rotary = axis.at(dim)) pair.insert(rotary->partner);
        const std::size_t links = found.links.size();
        double missed = 1;
        for (std::size_t head = kv_head * groups; head < (kv_head + 1) * groups; ++head) {
          missed *= share_that_misses(dims, std::ssize(of_queries[head]), std::ssize(pair));
          for (const int query_dim : of_queries[head]) {
            if (pair.contains(query_dim))
              found.links.push_back(
                  {where.layer, static_cast<int>(kv_head), dim, static_cast<int>(head), query_dim});
          }
        }
        ++found.key_values;
        found.linked += found.links.size() > links ? 1 : 0;
        found.expected_linked += 1 - missed;
      }
    }
  }
  return found;
}

}  // namespace qkscope
