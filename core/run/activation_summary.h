#pragma once
#include <ATen/core/Tensor.h>

#include "core/base/activations.h"

namespace qkscope {

/// The summary of `x` (T, C) with its `top` largest numbers, and with that of each position where
/// `every_position`; waits for the device. Throws Error for another shape.
ActivationSummary summarize(const at::Tensor& x, const ActivationRule& rule, int top,
                            bool every_position = false);

/// The same by operators of libtorch, wherever `x` is: what a GPU is good at, and a CPU slow. Of equal
/// numbers any may be among the `top`.
ActivationSummary summarize_on_device(const at::Tensor& x, const ActivationRule& rule, int top,
                                      bool every_position = false);

}  // namespace qkscope
