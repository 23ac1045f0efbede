// Gemma 1 to 3: norms that add one to their weight, embeddings times sqrt(hidden_size), tanh GELU. Gemma 2
// also norms what attention and MLP give, soft-caps scores and logits, and lets every other layer look back
// on a window; Gemma 3 norms Q and K in place of the caps, and its windowed layers rotate at a base of their
// own.
#include <cmath>

#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

/// What all three have. Null is no number of KV heads and no size of a head, in any of them.
ModelSpec gemma_like_spec(const Checkpoint& checkpoint, LlamaLikeDefaults defaults) {
  defaults.attention_bias = false;
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, defaults);
  if (const auto* both = config.find("use_bidirectional_attention"); both && *both == true)
    config.fail(
        "config key \"use_bidirectional_attention\" is true, expected false or null: QKScope computes "
        "causal attention alone");
  spec.embedding.scale = std::sqrt(static_cast<double>(spec.hidden_size));
  spec.head.norm->unit_offset = true;
  for (LayerSpec& layer : spec.layers) layer.mixer_norm = layer.ffn_norm = spec.head.norm;
  return spec;
}

ModelSpec gemma_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = gemma_like_spec(checkpoint, {.vocab_size = 256000,
                                                .hidden_size = 3072,
                                                .intermediate_size = 24576,
                                                .max_position_embeddings = 8192,
                                                .num_layers = 28,
                                                .num_heads = 16,
                                                .num_kv_heads = 16,
                                                .head_dim = 256,
                                                .tie_word_embeddings = true,
                                                .hidden_act = "gelu_pytorch_tanh"});
  for (LayerSpec& layer : spec.layers) {
    // The first checkpoints say gelu and mean its approximation.
    Activation& activation = std::get<MlpSpec>(layer.ffn).activation;
    if (activation == Activation::Gelu) activation = Activation::GeluTanh;
  }
  return spec;
}

/// A number above 0, and 0 where the key is null.
double cap(const Config& config, const char* key, double absent) {
  const auto* found = config.find(key);
  if (found && found->is_null()) return 0;
  const double value = config.number(key, absent);
  if (value < 0)
    config.fail(std::string("config key \"") + key + "\" is negative, expected a number or null");
  return value;
}

/// What Gemma 2 and 3 have in common.
ModelSpec gemma2_like_spec(const Checkpoint& checkpoint, LlamaLikeDefaults defaults, double score_cap,
                           double logit_cap, const std::function<bool(int layer)>& slides) {
  defaults.hidden_size = 2304;
  defaults.intermediate_size = 9216;
  defaults.num_layers = 26;
  defaults.num_heads = 8;
  defaults.num_kv_heads = 4;
  defaults.head_dim = 256;
  defaults.tie_word_embeddings = true;
  defaults.hidden_act_key = "hidden_activation";
  defaults.hidden_act = "gelu_pytorch_tanh";
  const Config config(checkpoint);
  ModelSpec spec = gemma_like_spec(checkpoint, defaults);
  set_windows(checkpoint, spec, config.size_or_null("sliding_window", 4096, 1 << 30).value_or(0), slides);
  spec.head.softcap = cap(config, "final_logit_softcapping", logit_cap);
  const double scalar = config.number("query_pre_attn_scalar", 256);
  if (!(scalar > 0))
    config.fail("config key \"query_pre_attn_scalar\" is not positive, expected a number above 0");
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_post_norm = layer.ffn_post_norm = layer.mixer_norm;
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.scale = 1 / std::sqrt(scalar);
    attention.softcap = cap(config, "attn_logit_softcapping", score_cap);
  }
  auto& stored = spec.parameters.stored;
  stored[Role::MixerPostNorm] = {{.name = "post_attention_layernorm"}};
  stored[Role::FfnNorm] = {{.name = "pre_feedforward_layernorm"}};
  stored[Role::FfnPostNorm] = {{.name = "post_feedforward_layernorm"}};
  return spec;
}

ModelSpec gemma2_spec(const Checkpoint& checkpoint) {
  return gemma2_like_spec(checkpoint, {.vocab_size = 256000, .max_position_embeddings = 8192}, 50, 30,
                          [](int layer) { return layer % 2 == 0; });
}

ModelSpec gemma3_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  const int pattern = config.size("sliding_window_pattern", 6, limits::layers);
  ModelSpec spec = gemma2_like_spec(
      checkpoint, {.vocab_size = 262208, .max_position_embeddings = 131072, .one_rope = false}, 0, 0,
      [&](int layer) { return (layer + 1) % pattern != 0; });
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    if (attention.softcap > 0)
      config.fail("config key \"attn_logit_softcapping\" is not null, which this architecture does not have");
    attention.q_norm = attention.k_norm = layer.mixer_norm;
    const bool slides = attention.window > 0;
    attention.rope = read_rope(checkpoint, {.head_dim = attention.head_dim,
                                            .max_position_embeddings = spec.max_position_embeddings,
                                            .theta = slides ? 10000.0 : 1000000.0,
                                            .layer_type = slides ? "sliding_attention" : "full_attention",
                                            .only_by_layer = true,
                                            .theta_key = slides ? "rope_local_base_freq" : "rope_theta"});
  }
  return spec;
}

const ArchitectureRegistration gemma("GemmaForCausalLM", "gemma", gemma_spec);
const ArchitectureRegistration gemma2("Gemma2ForCausalLM", "gemma2", gemma2_spec);
const ArchitectureRegistration gemma3("Gemma3ForCausalLM", "gemma3_text", gemma3_spec);

}  // namespace
}  // namespace qkscope
