// OLMo 1 to 3. OLMo: layer norms without weights, Q, K and V clamped. OLMo 2: RMS norms of what attention and
// MLP give in place of those before them, and of all heads of Q and K together. OLMo 3: three layers of four
// look back on a window, and rotate without the scaling of the others.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec olmo_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 50304, .attention_bias = false});
  const auto* clip = config.find("clip_qkv");
  const double bound = !clip || clip->is_null() ? 0 : config.number("clip_qkv", 0);
  if (clip && !clip->is_null() && !(bound > 0))
    config.fail("config key \"clip_qkv\" is " + clip->dump() + ", expected a number above 0, or null");
  const NormSpec norm{.kind = NormSpec::Kind::Layer, .eps = 1e-5, .has_weight = false};
  spec.head.norm = norm;
  for (LayerSpec& layer : spec.layers) {
    std::get<AttentionSpec>(layer.mixer).clip = bound;
    layer.mixer_norm = layer.ffn_norm = norm;
  }
  return spec;
}

ModelSpec olmo2_like_spec(const Checkpoint& checkpoint, bool one_rope) {
  ModelSpec spec = llama_like_spec(
      checkpoint, {.vocab_size = 50304, .rms_norm_eps = 1e-5, .one_rope = one_rope, .attention_bias = false});
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.q_norm = attention.k_norm = layer.mixer_norm;
    attention.norms_span_heads = true;
    layer.mixer_post_norm = layer.ffn_post_norm = layer.mixer_norm;
    layer.mixer_norm = layer.ffn_norm = {};
  }
  auto& stored = spec.parameters.stored;
  stored[Role::MixerPostNorm] = {{.name = "post_attention_layernorm"}};
  stored[Role::FfnPostNorm] = {{.name = "post_feedforward_layernorm"}};
  return spec;
}

ModelSpec olmo2_spec(const Checkpoint& checkpoint) {
  return olmo2_like_spec(checkpoint, true);
}

ModelSpec olmo3_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = olmo2_like_spec(checkpoint, false);
  set_windows(checkpoint, spec, Config(checkpoint).size_or_null("sliding_window", 4096, 1 << 30).value_or(0),
              [](int layer) { return (layer + 1) % 4 != 0; });
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.rope =
        read_rope(checkpoint, {.head_dim = attention.head_dim,
                               .max_position_embeddings = spec.max_position_embeddings,
                               .theta = 500000,
                               .layer_type = attention.window > 0 ? "sliding_attention" : "full_attention",
                               .only_by_layer = true});
  }
  return spec;
}

const ArchitectureRegistration olmo("OlmoForCausalLM", "olmo", olmo_spec);
const ArchitectureRegistration olmo2("Olmo2ForCausalLM", "olmo2", olmo2_spec);
const ArchitectureRegistration olmo3("Olmo3ForCausalLM", "olmo3", olmo3_spec);

}  // namespace
}  // namespace qkscope
