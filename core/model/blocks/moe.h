#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/model/blocks/mlp.h"

namespace qkscope {

struct MoeWeights {
  Linear router;          // C -> num_experts
  at::Tensor correction;  // (num_experts) or undefined
  std::vector<MlpWeights> experts;
  MlpWeights shared;     // where the spec has one
  Linear shared_router;  // C -> 1, where the shared expert has a gate
  // Where the spec has them:
  NormWeights router_norm, input_norm, output_norm, shared_output_norm;
  at::Tensor expert_scale;  // (num_experts)
};

/// Mixture of experts, (T, C) -> (T, C): every position goes through its top_k experts, each with the weight
/// that the router gives it. The weights pass the tap as (T, num_experts), zero where an expert is not
/// chosen. `residual` (T, C) is what `x` is the norm of: router and experts may norm it themselves.
at::Tensor moe(const MoeSpec& spec, const MoeWeights& weights, int layer, const at::Tensor& x,
               const at::Tensor& residual, Tap& tap);

}  // namespace qkscope
