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
};

/// Mixture of experts, (T, C) -> (T, C): every position goes through its top_k experts, each with the weight
/// that the router gives it. The weights pass the tap as (T, num_experts), zero where an expert is not
/// chosen.
at::Tensor moe(const MoeSpec& spec, const MoeWeights& weights, int layer, const at::Tensor& x, Tap& tap);

}  // namespace qkscope
