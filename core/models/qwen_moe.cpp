// Qwen1.5-MoE, Qwen2-MoE and Qwen3-MoE: Qwen2 and Qwen3 with a mixture of experts in the layers that are not
// said to have a plain MLP.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

/// Puts `moe` into the layers that have one. Its experts are as wide as "moe_intermediate_size" says.
void put_experts(const Config& config, ModelSpec& spec, MoeSpec moe, int absent_intermediate_size) {
  name_experts(spec.parameters, "mlp", "shared_expert");
  moe.expert.intermediate_size =
      config.size("moe_intermediate_size", absent_intermediate_size, limits::inner);
  moe.expert.activation = std::get<MlpSpec>(spec.layers.front().ffn).activation;
  if (moe.shared) moe.shared->activation = moe.expert.activation;
  moe.router.normalize = config.flag("norm_topk_prob", false);
  put_sparse_experts(config, spec, moe);
}

ModelSpec qwen2_moe_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151936,
                                                .hidden_size = 2048,
                                                .intermediate_size = 5632,
                                                .max_position_embeddings = 32768,
                                                .num_layers = 24,
                                                .num_heads = 16,
                                                .num_kv_heads = 16});
  const bool bias = config.flag("qkv_bias", true), slides = config.flag("use_sliding_window", false);
  for (LayerSpec& layer : spec.layers) std::get<AttentionSpec>(layer.mixer).qkv_bias = bias;
  const int window = config.size_or_null("sliding_window", 4096, 1 << 30).value_or(0);
  const int upper = config.integer("max_window_layers", 28);
  set_windows(checkpoint, spec, slides ? window : 0,
              [&](int layer) { return slides && layer % 2 == 0 && layer < upper; });
  MoeSpec moe = read_experts(config, "num_experts", "num_experts", 60, 4);
  moe.shared = MlpSpec{};
  moe.shared->intermediate_size = config.size("shared_expert_intermediate_size", 5632, limits::inner);
  moe.shared_gate = true;
  put_experts(config, spec, moe, 1408);
  return spec;
}

ModelSpec qwen3_moe_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151936,
                                                .hidden_size = 2048,
                                                .intermediate_size = 6144,
                                                .max_position_embeddings = 32768,
                                                .num_layers = 24,
                                                .num_kv_heads = 4,
                                                .attention_bias = false});
  const auto window = config.size_or_null("sliding_window", 4096, 1 << 30);
  const bool slides = config.flag("use_sliding_window", false);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.q_norm = attention.k_norm = layer.mixer_norm;
    if (slides) attention.window = window.value_or(0);
  }
  put_experts(config, spec, read_experts(config, "num_experts", "num_local_experts", 128, 8), 768);
  return spec;
}

const ArchitectureRegistration qwen2_moe("Qwen2MoeForCausalLM", "qwen2_moe", qwen2_moe_spec);
const ArchitectureRegistration qwen3_moe("Qwen3MoeForCausalLM", "qwen3_moe", qwen3_moe_spec);

}  // namespace
}  // namespace qkscope
