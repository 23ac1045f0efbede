#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/base/activations.h"

namespace qkscope {

/// The summary of `x` (T, C) with its `top` largest numbers, and with that of each position where
/// `every_position`; waits for the device. Throws Error for another shape.
ActivationSummary summarize(const at::Tensor& x, const ActivationRule& rule, int top,
                            bool every_position = false);

/// The same of several, all on one device, by operators of libtorch: what a GPU is good at, and a CPU slow.
/// Those of one shape that follow each other are gone over together. Of equal numbers any may be among the
/// `top`.
std::vector<ActivationSummary> summarize_on_device(const std::vector<at::Tensor>& arrays,
                                                   const ActivationRule& rule, int top,
                                                   bool every_position = false);

}  // namespace qkscope
