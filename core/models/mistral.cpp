// Mistral: Llama with a sliding window in every layer; null is none, an absent key is one of 4096. Ministral:
// in those that are listed. Ministral 3: in none but where asked for, and queries grow with their position.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec mistral_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = llama_like_spec(
      checkpoint, {.intermediate_size = 14336, .max_position_embeddings = 131072, .num_kv_heads = 8});
  const auto window = Config(checkpoint).size_or_null("sliding_window", 4096, 1 << 30);
  for (LayerSpec& layer : spec.layers) std::get<AttentionSpec>(layer.mixer).window = window.value_or(0);
  return spec;
}

ModelSpec ministral_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = llama_like_spec(
      checkpoint, {.intermediate_size = 14336, .max_position_embeddings = 131072, .num_kv_heads = 8});
  const int window = Config(checkpoint).size_or_null("sliding_window", 4096, 1 << 30).value_or(0);
  set_windows(checkpoint, spec, window, [&](int) { return window > 0; });
  return spec;
}

ModelSpec ministral3_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 131072,
                                                .intermediate_size = 14336,
                                                .max_position_embeddings = 262144,
                                                .num_layers = 34,
                                                .num_kv_heads = 8,
                                                .head_dim = 128,
                                                .rms_norm_eps = 1e-5,
                                                .one_rope = false});
  const RopeDefaults defaults{.head_dim = spec.head_dim(),
                              .max_position_embeddings = spec.max_position_embeddings,
                              .settings = {{"rope_type", "yarn"},
                                           {"rope_theta", 1000000.0},
                                           {"factor", 16.0},
                                           {"original_max_position_embeddings", 16384},
                                           {"beta_fast", 32.0},
                                           {"beta_slow", 1.0},
                                           {"mscale_all_dim", 1.0},
                                           {"mscale", 1.0},
                                           {"llama_4_scaling_beta", 0.1}}};
  const RopeSpec rope = read_rope(checkpoint, defaults);
  std::optional<QueryScaleSpec> query_scale;
  const nlohmann::json settings = rope_settings(checkpoint, defaults);
  const nlohmann::json beta = settings.value("llama_4_scaling_beta", nlohmann::json());
  if (!beta.is_null()) {
    if (!beta.is_number())
      config.fail("RoPE key \"llama_4_scaling_beta\" is " + beta.dump() + ", expected a number");
    if (rope.original_max_position_embeddings <= 0)
      config.fail(
          "RoPE key \"llama_4_scaling_beta\" needs a type with original_max_position_embeddings, and "
          "rope_type is \"" +
          rope.type + "\"");
    query_scale = {.weight = beta.get<double>(),
                   .interval = static_cast<double>(rope.original_max_position_embeddings)};
  }
  const int window = config.size_or_null("sliding_window", {}, 1 << 30).value_or(0);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.rope = rope;
    attention.query_scale = query_scale;
    attention.window = window;
  }
  return spec;
}

const ArchitectureRegistration mistral("MistralForCausalLM", "mistral", mistral_spec);
const ArchitectureRegistration ministral("MinistralForCausalLM", "ministral", ministral_spec);
const ArchitectureRegistration ministral3("Ministral3ForCausalLM", "ministral3", ministral3_spec);

}  // namespace
}  // namespace qkscope
