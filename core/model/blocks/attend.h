#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/spec.h"
#include "core/model/tap.h"

namespace qkscope {

/// Causal attention of T queries (H, T, D) that follow `past` positions over keys (G, past + T, D) and values
/// (G, past + T, Dv): (H, T, Dv). `sinks`: (H) or undefined. Scores and patterns pass the tap where it wants
/// them; else they are never held where fused attention can do without.
at::Tensor attend(const AttentionSpec& spec, const at::Tensor& sinks, int layer, const at::Tensor& query,
                  const at::Tensor& keys, const at::Tensor& values, int past, Tap& tap);

}  // namespace qkscope
