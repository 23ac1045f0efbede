#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/blocks/norm.h"
#include "core/model/linear.h"
#include "core/model/spec.h"
#include "core/model/state.h"
#include "core/model/tap.h"

namespace qkscope {

struct DeltaNetWeights {
  Linear in;                  // C -> the rows of q, k and v, of the output gate, of beta and of the decay
  at::Tensor conv;            // (rows of q, k and v, 1, kernel)
  at::Tensor dt_bias, a_log;  // (value heads)
  at::Tensor norm;            // (value_dim)
  Linear out;                 // value heads * value_dim -> C
};

/// Gated delta rule (arXiv 2412.06464), position by position: a state S (key_dim, value_dim) a head decays,
/// forgets what it holds under the key, and stores the value there; the query reads it. (T, C) -> (T, C).
at::Tensor delta_net(const DeltaNetSpec& spec, const DeltaNetWeights& weights, int layer, const at::Tensor& x,
                     State& state, Tap& tap);

}  // namespace qkscope
