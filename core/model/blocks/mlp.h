#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/blocks/norm.h"
#include "core/model/linear.h"
#include "core/model/spec.h"
#include "core/model/tap.h"

namespace qkscope {

struct MlpWeights {
  Linear up;    // C -> intermediate_size; gated: rows of gate, then of up
  Linear down;  // intermediate_size -> C
};

/// Whether, in float32 on a CPU, the hidden numbers of a row are the same to the last bit whatever rows stand
/// beside it.
bool computed_by_row(const MlpSpec& spec);
/// (T, C) -> (T, C). `layer` names the site of the hidden numbers; -1: they pass no tap.
at::Tensor mlp(const MlpSpec& spec, const MlpWeights& weights, int layer, const at::Tensor& x, Tap& tap);

}  // namespace qkscope
