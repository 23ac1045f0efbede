#include "core/analysis/verdict.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

namespace qkscope {

namespace {

/// How many massive values each head of a layer has, of so many dims.
struct Layer {
  std::size_t dims = 0;
  std::vector<int> of_head;
};

std::int64_t pairs(std::int64_t n) {
  return n * (n - 1) / 2;
}

std::int64_t shared_pairs(const std::vector<int>& heads_of_dim) {
  std::int64_t shared = 0;
  for (const int heads : heads_of_dim) shared += pairs(heads);
  return shared;
}

/// Puts as many values as each head has on dims drawn without replacement (Floyd's algorithm), and takes them
/// off again: `heads_of_dim` is all zeros before and after. `drawn` is room to work in.
std::int64_t shared_at_random(const Layer& layer, std::mt19937_64& engine, std::vector<int>& heads_of_dim,
                              std::vector<std::size_t>& drawn) {
  drawn.clear();
  std::int64_t shared = 0;
  for (const int n : layer.of_head) {
    const auto mine = static_cast<std::ptrdiff_t>(drawn.size());
    for (std::size_t last = layer.dims - static_cast<std::size_t>(n); last < layer.dims; ++last) {
      const std::size_t dim = engine() % (last + 1);
      drawn.push_back(std::find(drawn.begin() + mine, drawn.end(), dim) == drawn.end() ? dim : last);
    }
    // Each meets those of the heads before it.
    for (auto dim = drawn.begin() + mine; dim != drawn.end(); ++dim) shared += heads_of_dim[*dim]++;
  }
  for (const std::size_t dim : drawn) heads_of_dim[dim] = 0;
  return shared;
}

std::optional<double> permutation_p(const std::vector<Layer>& layers, std::int64_t observed) {
  constexpr std::uint64_t seed = 2502'01563;
  std::mt19937_64 engine(seed);
  std::size_t most_dims = 0;
  for (const Layer& layer : layers) most_dims = std::max(most_dims, layer.dims);
  std::vector<int> heads_of_dim(most_dims);
  std::vector<std::size_t> drawn;
  int as_much = 1;
  for (int placement = 0; placement < verdict_placements; ++placement) {
    std::int64_t shared = 0;
    for (const Layer& layer : layers) shared += shared_at_random(layer, engine, heads_of_dim, drawn);
    as_much += shared >= observed;
  }
  return static_cast<double>(as_much) / (verdict_placements + 1);
}

SiteVerdict site_verdict(const Norms& norms, Site site, double lambda, const LayerAxes& axes) {
  SiteVerdict result;
  result.count = count_massive(norms, site, lambda, axes);
  std::map<int, std::vector<int>> heads_of_dim;  // by layer
  std::map<int, Layer> layers;
  for (const auto& [where, m] : norms) {
    if (where.site != site) continue;
    const auto dims = static_cast<std::size_t>(m->shape[1]);
    layers[where.layer] = {dims, std::vector<int>(static_cast<std::size_t>(m->shape[0]))};
    heads_of_dim[where.layer].resize(dims);
    result.heads += m->shape[0];
  }
  for (const MassiveValue& value : massive_values(norms, site, lambda)) {
    ++heads_of_dim[value.where.layer][static_cast<std::size_t>(value.dim)];
    ++layers[value.where.layer].of_head[static_cast<std::size_t>(value.head)];
  }
  std::vector<Layer> paired;  // where two heads can share
  for (auto& [index, layer] : layers) {
    const auto with = std::ranges::count_if(layer.of_head, [](int n) { return n > 0; });
    result.heads_with += with;
    const auto& of_dim = heads_of_dim[index];
    result.shared += shared_pairs(of_dim);
    const int heads = static_cast<int>(layer.of_head.size());
    for (std::size_t dim = 0; dim < of_dim.size(); ++dim) {
      if (of_dim[dim] >= 2 && 2 * of_dim[dim] >= heads)
        result.stripes.push_back({index, static_cast<int>(dim), of_dim[dim], heads});
    }
    // Two heads with a and b values on D dims share a b / D of them on average.
    std::int64_t sum = 0, squares = 0;
    for (const int n : layer.of_head) {
      sum += n;
      squares += std::int64_t{n} * n;
    }
    result.expected_shared += static_cast<double>(sum * sum - squares) / 2 / static_cast<double>(layer.dims);
    if (with >= 2) paired.push_back(std::move(layer));
  }
  std::ranges::stable_sort(result.stripes, [](const Stripe& a, const Stripe& b) {
    return std::tuple(-a.heads * b.of_heads, a.layer, a.dim) <
           std::tuple(-b.heads * a.of_heads, b.layer, b.dim);
  });
  if (!paired.empty()) result.p = permutation_p(paired, result.shared);
  return result;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

}  // namespace

Verdict verdict(const Norms& norms, const std::array<Site, 3>& sites, double lambda, const LayerAxes& axes) {
  Verdict result;
  result.query = site_verdict(norms, sites[0], lambda, axes);
  result.key = site_verdict(norms, sites[1], lambda, axes);
  result.value = site_verdict(norms, sites[2], lambda, axes);
  result.rope = !axes.first().inv_freq().empty();
  const SiteVerdict &q = result.query, &k = result.key;
  result.heads_share = share(q.heads_with + k.heads_with, q.heads + k.heads);
  result.low_share =
      share(q.count.low_frequency_half + k.count.low_frequency_half, q.count.massive + k.count.massive);
  const auto beyond_chance = [](const SiteVerdict& site) { return site.p && *site.p < verdict_p; };
  result.concentrated =
      result.heads_share >= verdict_share &&
      (result.rope ? result.low_share >= verdict_share : beyond_chance(q) || beyond_chance(k));
  return result;
}

}  // namespace qkscope
