#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/rope_spec.h"

namespace qkscope {

/// cos and sin of the angles of a pass's positions, the attention factor in both: (T, 1, rotary_dim / 2).
struct Rotation {
  at::Tensor cos, sin;
};

/// For positions past .. past + positions - 1.
Rotation make_rotation(const RopeSpec& spec, int max_position_embeddings, int past, int positions,
                       at::Device device, at::ScalarType dtype);
/// `x` (T, heads, D) with the dims that `spec` names rotated.
at::Tensor rotate(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x);

}  // namespace qkscope
