#pragma once
#include <cmath>
#include <optional>

#include "core/model/spec.h"

namespace qkscope::test {

struct PlainSizes {
  int layers = 1, heads = 1, kv_heads = 1, head_dim = 8, max_position_embeddings = 64;
  /// nullopt: no layer rotates.
  std::optional<double> rope_theta = 10000.0;
};

/// A Llama of these sizes, as far as pictures and disruptions look at it.
inline ModelSpec plain_spec(const PlainSizes& sizes) {
  AttentionSpec attention;
  attention.num_heads = sizes.heads;
  attention.num_kv_heads = sizes.kv_heads;
  attention.head_dim = attention.value_dim = sizes.head_dim;
  attention.scale = 1 / std::sqrt(sizes.head_dim);
  if (sizes.rope_theta) {
    attention.rope.emplace();
    attention.rope->theta = *sizes.rope_theta;
    attention.rope->rotary_dim = sizes.head_dim;
  }
  ModelSpec spec;
  spec.hidden_size = sizes.heads * sizes.head_dim;
  spec.max_position_embeddings = sizes.max_position_embeddings;
  LayerSpec layer;
  layer.mixer = attention;
  layer.ffn = MlpSpec{};
  spec.layers.assign(static_cast<std::size_t>(sizes.layers), layer);
  return spec;
}

}  // namespace qkscope::test
