#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/spec.h"

namespace qkscope {

struct NormWeights {
  at::Tensor weight;  // (n); float32 where the spec has a unit offset, with the one added
  at::Tensor bias;    // (n) or undefined
};

/// `x` (..., n) normed over its last axis, in the type of `x`.
at::Tensor normalize(const NormSpec& spec, const NormWeights& weights, const at::Tensor& x);

/// act(x), element by element.
at::Tensor activate(Activation activation, const at::Tensor& x);

}  // namespace qkscope
