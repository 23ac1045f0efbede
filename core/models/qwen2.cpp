// Qwen2, Qwen2.5 and Qwen3: Llama with a sliding window in the upper layers, or those that are listed, where
// it is switched on. Qwen2 has biases on Q, K and V; Qwen3 has norms of each head of Q and K in their place.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec qwen_spec(const Checkpoint& checkpoint, const LlamaLikeDefaults& defaults) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, defaults);
  const int window = config.size_or_null("sliding_window", 4096, 1 << 30).value_or(0);
  const bool slides = config.flag("use_sliding_window", false) && window > 0;
  const int first = config.integer("max_window_layers", 28);
  set_windows(checkpoint, spec, slides ? window : 0, [&](int layer) { return slides && layer >= first; });
  return spec;
}

ModelSpec qwen2_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = qwen_spec(checkpoint, {.vocab_size = 151936,
                                          .intermediate_size = 22016,
                                          .max_position_embeddings = 32768,
                                          .num_kv_heads = 32});
  for (LayerSpec& layer : spec.layers) std::get<AttentionSpec>(layer.mixer).qkv_bias = true;
  return spec;
}

ModelSpec qwen3_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = qwen_spec(checkpoint, {.vocab_size = 151936,
                                          .intermediate_size = 22016,
                                          .max_position_embeddings = 32768,
                                          .num_kv_heads = 32,
                                          .head_dim = 128,
                                          .attention_bias = false});
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.q_norm = attention.k_norm = layer.mixer_norm;
  }
  return spec;
}

const ArchitectureRegistration qwen2("Qwen2ForCausalLM", "qwen2", qwen2_spec);
const ArchitectureRegistration qwen3("Qwen3ForCausalLM", "qwen3", qwen3_spec);

}  // namespace
}  // namespace qkscope
