// GLM-4 (0414), dense: half of each head rotates in interleaved pairs, norms before and after attention and
// MLP, gate and up in one matrix, biases on Q, K and V.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec glm4_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151552,
                                                .intermediate_size = 13696,
                                                .max_position_embeddings = 131072,
                                                .num_layers = 40,
                                                .num_kv_heads = 2,
                                                .head_dim = 128,
                                                .rms_norm_eps = 1.5625e-7,
                                                .partial_rotary_factor = 0.5});
  const bool bias = Config(checkpoint).flag("attention_bias", true);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.qkv_bias = bias;
    attention.rope->interleaved = true;
    layer.mixer_post_norm = layer.ffn_post_norm = layer.mixer_norm;
  }
  auto& stored = spec.parameters.stored;
  stored[Role::MixerPostNorm] = {{.name = "post_self_attn_layernorm"}};
  stored[Role::FfnPostNorm] = {{.name = "post_mlp_layernorm"}};
  for (const Role role : {Role::Gate, Role::Up})
    stored[role] = {{.name = "mlp.gate_up_proj", .rows = Rows::GateUpBlocks}};
  return spec;
}

const ArchitectureRegistration glm4("Glm4ForCausalLM", "glm4", glm4_spec);

}  // namespace
}  // namespace qkscope
