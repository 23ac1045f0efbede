// GLM-4.5 and its successors with experts: half of a head rotates, Q and K may be normed, the experts are
// chosen as DeepSeek-V3 does.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

ModelSpec glm4_moe_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151552,
                                                .intermediate_size = 10944,
                                                .max_position_embeddings = 131072,
                                                .num_layers = 46,
                                                .num_heads = 96,
                                                .num_kv_heads = 8,
                                                .rms_norm_eps = 1e-5,
                                                .partial_rotary_factor = 0.5});
  put_corrected_experts(config, spec,
                        {.num_experts = 128, .top_k = 8, .intermediate_size = 1408, .scale = 1.0});
  const bool bias = config.flag("attention_bias", false), norms = config.flag("use_qk_norm", false);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.qkv_bias = bias;
    if (norms) attention.q_norm = attention.k_norm = layer.mixer_norm;
  }
  return spec;
}

const ArchitectureRegistration glm4_moe("Glm4MoeForCausalLM", "glm4_moe", glm4_moe_spec);

}  // namespace
}  // namespace qkscope
