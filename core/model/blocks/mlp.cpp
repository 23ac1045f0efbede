#include "core/model/blocks/mlp.h"

#include <ATen/ATen.h>

namespace qkscope {

namespace {

/// (T, intermediate_size)
at::Tensor hidden_numbers(const MlpSpec& spec, const at::Tensor& x) {
  if (!spec.gated) return activate(spec.activation, x);
  const std::vector<at::Tensor> parts = x.chunk(2, -1);  // gate, up
  if (spec.limit <= 0) return activate(spec.activation, parts[0]).mul_(parts[1]);
  const at::Tensor gate = parts[0].clamp_max(spec.limit), up = parts[1].clamp(-spec.limit, spec.limit);
  return gate * (gate * spec.alpha).sigmoid() * (up + 1);
}

}  // namespace

at::Tensor mlp(const MlpSpec& spec, const MlpWeights& weights, int layer, const at::Tensor& x, Tap& tap) {
  at::Tensor hidden = hidden_numbers(spec, weights.up(x));
  if (layer >= 0) hidden = tap({layer, Site::MlpHidden}, hidden);
  return weights.down(hidden);
}

}  // namespace qkscope
