#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/blocks/norm.h"
#include "core/model/linear.h"
#include "core/model/spec.h"
#include "core/model/state.h"
#include "core/model/tap.h"

namespace qkscope {

struct MambaWeights {
  Linear in;                   // C -> 2 inner_size: the input's rows, then the gate's
  at::Tensor conv, conv_bias;  // (inner_size, 1, kernel), (inner_size) or undefined
  Linear x;                    // inner_size -> dt_rank + 2 state_size
  Linear dt;                   // dt_rank -> inner_size
  at::Tensor a_log, d;         // (inner_size, state_size), (inner_size); float32
  Linear out;                  // inner_size -> C
  NormWeights dt_norm, b_norm, c_norm;
};

/// Selective state space (arXiv 2312.00752): a state (inner_size, state_size) goes from position to position.
/// (T, C) -> (T, C).
at::Tensor mamba(const MambaSpec& spec, const MambaWeights& weights, int layer, const at::Tensor& x,
                 State& state, Tap& tap);

}  // namespace qkscope
