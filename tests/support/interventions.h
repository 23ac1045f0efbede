#pragma once
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "core/run/intervention.h"
#include "tests/support/plain_spec.h"

namespace qkscope::test {

inline constexpr SiteId query{1, Site::Query}, key{1, Site::Key};

/// 3 layers, 4 query heads, 2 KV heads, 16 dims.
inline ModelSpec spec() {
  return plain_spec({.layers = 3, .heads = 4, .kv_heads = 2, .head_dim = 16});
}

/// (20, heads, 16), some dims of every head far larger than the rest.
inline at::Tensor example(std::int64_t heads, std::uint64_t seed = 3) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor x = at::randn({20, heads, 16}, generator, at::kFloat);
  const at::Tensor size = at::randn({heads, 16}, generator, at::kFloat).mul(1.5).exp();
  return x * size + 0.5;
}

/// `x` after one disruption in the prefill.
inline at::Tensor applied(const Disruption& d, SiteId where, const at::Tensor& x,
                          const Capture& baseline = {}) {
  Intervention intervention({d}, spec(), baseline, at::kCPU);
  return intervention.apply(where, x, /*prefill=*/true);
}

/// (heads, D) bool: the columns that changed.
inline at::Tensor changed(const at::Tensor& before, const at::Tensor& after) {
  return (before != after).any(0);
}

/// The places of a (heads, D) mask, head and dim in turns.
inline std::vector<std::int64_t> places(const at::Tensor& mask) {
  const at::Tensor indices = mask.nonzero().contiguous();
  const auto* data = indices.const_data_ptr<std::int64_t>();
  return {data, data + indices.numel()};
}

}  // namespace qkscope::test
