#pragma once
#include <ATen/core/Tensor.h>

#include <variant>
#include <vector>

#include "core/model/blocks/attention.h"
#include "core/model/blocks/delta_net.h"
#include "core/model/blocks/mamba.h"
#include "core/model/blocks/mlp.h"
#include "core/model/blocks/moe.h"
#include "core/model/linear.h"

namespace qkscope {

/// One layer's parameters, as the forward pass reads them.
struct LayerWeights {
  NormWeights mixer_norm, mixer_post_norm, ffn_norm, ffn_post_norm;
  std::variant<AttentionWeights, MambaWeights, DeltaNetWeights> mixer;
  std::variant<MlpWeights, MoeWeights> ffn;
  at::Tensor scalar;                    // (1) or undefined
  Linear per_layer_gate, per_layer_up;  // C -> size of the per-layer input, and back
  NormWeights per_layer_norm;
};

struct EmbeddingWeights {
  Table table;           // (vocab_size, embedding size)
  at::Tensor positions;  // (learned positions and their offset, C) or undefined
  Linear project;        // embedding size -> C, where they differ
  NormWeights norm;
  Table per_layer_table;       // (vocab_size, num_layers * size) or undefined
  Linear per_layer_project;    // C -> num_layers * size
  NormWeights per_layer_norm;  // (size)
};

struct HeadWeights {
  NormWeights norm;
  Linear project;  // C -> what the head reads, where that is not C
  Linear logits;   // -> vocab_size
};

}  // namespace qkscope
