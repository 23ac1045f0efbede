#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "core/model/blocks/norm.h"
#include "core/model/blocks/rotary.h"
#include "core/model/linear.h"
#include "core/model/spec.h"
#include "core/model/state.h"
#include "core/model/tap.h"

namespace qkscope {

struct AttentionWeights {
  /// C -> the rows of q, of the output gate, of k and of v, as far as the layer has them. With latents: the
  /// rows of q alone, from the residual stream or from q's latent.
  Linear qkv;
  Linear out;  // H Dv -> C
  NormWeights q_norm, k_norm;
  at::Tensor sinks;               // (H) or undefined
  Linear q_down, kv_down, kv_up;  // see LatentSpec; kv_down gives [latent; rotary key]
  NormWeights q_down_norm, kv_down_norm;
};

/// The rows of a pass that are one sequence's, behind what its state holds. All rows of a pass are
/// multiplied together; what a sequence remembers is its own.
struct SequenceRows {
  State* state;
  std::int64_t first, count;
};

/// Attention of one layer over what it reads, (T, C) -> (T, C); appends to the states.
at::Tensor attention(const AttentionSpec& spec, const AttentionWeights& weights, int layer,
                     const at::Tensor& x, const Rotation& rotation, std::span<const SequenceRows> sequences,
                     Tap& tap);

}  // namespace qkscope
