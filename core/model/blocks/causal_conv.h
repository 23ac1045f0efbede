#pragma once
#include <ATen/core/Tensor.h>

namespace qkscope {

struct CausalConv {
  at::Tensor out;   // (T, n)
  at::Tensor tail;  // (kernel - 1, n): the last inputs, which the next pass goes on from
};

/// Every channel convolved by itself over positions up to its own. `x` (T, n), `weight` (n, 1, kernel),
/// `bias` (n) or undefined; `before`: the tail of the pass before, or undefined at the start.
CausalConv causal_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& before);

}  // namespace qkscope
