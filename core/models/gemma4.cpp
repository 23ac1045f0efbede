// Gemma 4: RMS norms before and after attention and MLP, of Q, K and V too; layers that look back on a
// window, and layers with larger heads, of which the fastest quarter of the pairs rotates and V may be K. The
// upper layers may read the keys and values of lower ones. A short vector a token and layer may enter after
// the MLP, and experts may stand beside it.
#include <cmath>

#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

constexpr LlamaLikeDefaults gemma4_defaults{.vocab_size = 262144,
                                            .hidden_size = 2304,
                                            .intermediate_size = 9216,
                                            .max_position_embeddings = 131072,
                                            .num_layers = 30,
                                            .num_heads = 8,
                                            .num_kv_heads = 4,
                                            .head_dim = 256,
                                            .one_rope = false,
                                            .tie_word_embeddings = true,
                                            .attention_bias = false,
                                            .hidden_act_key = "hidden_activation",
                                            .hidden_act = "gelu_pytorch_tanh"};

void refuse_unsupported(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  if (const auto* both = config.find("use_bidirectional_attention");
      both && !both->is_null() && *both != "vision")
    config.fail("config key \"use_bidirectional_attention\" is " + short_json(*both) +
                ", expected null or \"vision\": QKScope computes causal attention of text alone");
}

/// Sizes that layers with full attention have of their own: "per_layer_config" says so layer by layer; where
/// it is absent, "global_head_dim" and "num_global_key_value_heads" do.
void read_sizes_by_layer(const Checkpoint& checkpoint, ModelSpec& spec) {
  const Config config(checkpoint);
  const auto* listed = config.find("per_layer_config");
  const int head_dim = config.size("global_head_dim", 512, limits::head_dim);
  const bool keys_are_values = config.flag("attention_k_eq_v", false);
  const auto kv_heads = config.size_or_null("num_global_key_value_heads", {}, limits::heads);
  for (int l = 0; l < spec.num_layers(); ++l) {
    auto& attention = std::get<AttentionSpec>(spec.layers[static_cast<std::size_t>(l)].mixer);
    const bool full = attention.window == 0;
    attention.value_is_key = full && keys_are_values;
    if (!listed) {
      if (full) attention.head_dim = head_dim;
      if (attention.value_is_key && kv_heads) attention.num_kv_heads = *kv_heads;
    } else if (const auto own = listed->find(std::to_string(l)); own != listed->end()) {
      for (const auto& [key, value] : own->items()) {
        int* const size = key == "head_dim"              ? &attention.head_dim
                          : key == "num_key_value_heads" ? &attention.num_kv_heads
                                                         : nullptr;
        if (!size || !value.is_number_integer() || value < 1 || value > limits::head_dim)
          config.fail("config key \"per_layer_config\" says " + in_quotes(key) + " " + short_json(value) +
                      " of layer " + std::to_string(l + 1) +
                      ", expected head_dim or num_key_value_heads and a positive number");
        *size = value.get<int>();
      }
    }
    attention.value_dim = attention.head_dim;
  }
}

RopeSpec rope_of(const Checkpoint& checkpoint, const ModelSpec& spec, const AttentionSpec& attention) {
  const bool slides = attention.window > 0;
  nlohmann::json settings = {{"rope_type", "default"}, {"rope_theta", 10000.0}};
  if (!slides)
    settings = {{"rope_type", "proportional"}, {"partial_rotary_factor", 0.25}, {"rope_theta", 1000000.0}};
  return read_rope(checkpoint, {.head_dim = attention.head_dim,
                                .max_position_embeddings = spec.max_position_embeddings,
                                .layer_type = slides ? "sliding_attention" : "full_attention",
                                .only_by_layer = true,
                                .settings = settings});
}

/// The last `num_kv_shared_layers` read the keys and values of the last layer of their kind below them.
void share_keys(const Checkpoint& checkpoint, ModelSpec& spec) {
  const Config config(checkpoint);
  const int shared = config.integer("num_kv_shared_layers", 0), first = spec.num_layers() - shared;
  if (shared < 0 || first < 0)
    config.fail("config key \"num_kv_shared_layers\" is " + std::to_string(shared) +
                ", expected a number from 0 to the number of layers, " + std::to_string(spec.num_layers()));
  const bool wide = config.flag("use_double_wide_mlp", false);
  for (int l = first; l < spec.num_layers(); ++l) {
    LayerSpec& layer = spec.layers[static_cast<std::size_t>(l)];
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    int source = first - 1;
    while (source >= 0 && (spec.attention(source)->window > 0) != (attention.window > 0)) --source;
    if (source < 0)
      config.fail("config key \"num_kv_shared_layers\" is " + std::to_string(shared) + ", and layer " +
                  std::to_string(l + 1) + " finds no layer of its kind below those to share keys with");
    attention.keys_of_layer = source;
    attention.num_kv_heads = spec.attention(source)->num_kv_heads;
    if (wide) std::get<MlpSpec>(layer.ffn).intermediate_size *= 2;
  }
}

void read_per_layer_inputs(const Checkpoint& checkpoint, ModelSpec& spec) {
  const Config config(checkpoint);
  const int size = config.integer("hidden_size_per_layer_input", 256);
  if (size == 0) return;
  if (size < 0 || size > limits::hidden)
    config.fail("config key \"hidden_size_per_layer_input\" is " + std::to_string(size) +
                ", expected a size, or 0 for none");
  const int vocab = config.size("vocab_size_per_layer_input", 262144, limits::vocabulary);
  if (vocab != spec.vocab_size)
    config.fail("config key \"vocab_size_per_layer_input\" is " + std::to_string(vocab) +
                ", expected vocab_size, " + std::to_string(spec.vocab_size));
  spec.embedding.per_layer_input = size;
  spec.embedding.per_layer_scale = std::sqrt(static_cast<double>(size));
  spec.embedding.per_layer_norm = spec.head.norm;
  for (LayerSpec& layer : spec.layers) {
    layer.per_layer_input = size;
    layer.per_layer_activation = std::get<MlpSpec>(layer.ffn).activation;
    layer.per_layer_norm = spec.head.norm;
  }
}

/// Experts beside the MLP, which all positions use.
void read_experts(const Checkpoint& checkpoint, ModelSpec& spec) {
  const Config config(checkpoint);
  if (!config.flag("enable_moe_block", false)) return;
  // The class has no defaults for these.
  const auto size = [&](const char* key, int limit) {
    const auto found = config.size_or_null(key, {}, limit);
    if (!found) config.fail(std::string("config key \"") + key + "\" is missing, expected a positive number");
    return *found;
  };
  const NormSpec norm = *spec.head.norm;
  MoeSpec moe;
  moe.num_experts = size("num_experts", limits::experts);
  moe.top_k = size("top_k_experts", moe.num_experts);
  moe.router.normalize = moe.router.scales_experts = true;
  moe.router.norm = norm;
  moe.router.input_scale = 1 / std::sqrt(static_cast<double>(spec.hidden_size));
  moe.input_norm = moe.output_norm = moe.shared_output_norm = norm;
  const int inner = size("moe_intermediate_size", limits::inner);
  for (LayerSpec& layer : spec.layers) {
    moe.expert = std::get<MlpSpec>(layer.ffn);
    moe.shared = moe.expert;
    moe.expert.intermediate_size = inner;
    layer.ffn = moe;
  }
  auto& stored = spec.parameters.stored;
  const auto plain = [&](Role role, const char* name) { stored[role] = {{.name = name}}; };
  plain(Role::Router, "router.proj");
  stored[Role::RouterNorm] = {{.name = "router.scale", .bare = true}};
  stored[Role::RouterExpertScale] = {{.name = "router.per_expert_scale", .bare = true}};
  plain(Role::SharedGate, "mlp.gate_proj");
  plain(Role::SharedUp, "mlp.up_proj");
  plain(Role::SharedDown, "mlp.down_proj");
  plain(Role::SharedPostNorm, "post_feedforward_layernorm_1");
  plain(Role::RoutedNorm, "pre_feedforward_layernorm_2");
  plain(Role::RoutedPostNorm, "post_feedforward_layernorm_2");
  for (const Role role : {Role::ExpertGate, Role::ExpertUp})
    stored[role] = {
        {.name = "experts.gate_up_proj", .rows = Rows::GateUpBlocks, .stacked = true, .bare = true}};
  stored[Role::ExpertDown] = {{.name = "experts.down_proj", .stacked = true, .bare = true}};
}

void name_parameters(ParameterTable& table) {
  const auto plain = [&](Role role, const char* name) { table.stored[role] = {{.name = name}}; };
  plain(Role::MixerPostNorm, "post_attention_layernorm");
  plain(Role::FfnNorm, "pre_feedforward_layernorm");
  plain(Role::FfnPostNorm, "post_feedforward_layernorm");
  plain(Role::PerLayerEmbedding, "embed_tokens_per_layer");
  plain(Role::PerLayerProjection, "per_layer_model_projection");
  plain(Role::PerLayerInputNorm, "per_layer_projection_norm");
  plain(Role::PerLayerGate, "per_layer_input_gate");
  plain(Role::PerLayerUp, "per_layer_projection");
  plain(Role::PerLayerNorm, "post_per_layer_input_norm");
  table.stored[Role::LayerScalar] = {{.name = "layer_scalar", .bare = true}};
}

ModelSpec gemma4_spec(const Checkpoint& checkpoint) {
  refuse_unsupported(checkpoint);
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, gemma4_defaults);
  spec.embedding.scale = std::sqrt(static_cast<double>(spec.hidden_size));
  const auto* cap = config.find("final_logit_softcapping");
  spec.head.softcap = cap && !cap->is_null() ? config.number("final_logit_softcapping", 0) : 0;
  const NormSpec norm = *spec.head.norm;
  NormSpec bare = norm;
  bare.has_weight = false;

  set_windows(checkpoint, spec, config.size("sliding_window", 512, 1 << 30),
              [](int layer) { return (layer + 1) % 6 != 0; });
  // Whatever is listed, the last layer sees all.
  std::get<AttentionSpec>(spec.layers.back().mixer).window = 0;
  read_sizes_by_layer(checkpoint, spec);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.scale = 1;
    attention.q_norm = attention.k_norm = norm;
    attention.v_norm = bare;
    attention.rope = rope_of(checkpoint, spec, attention);
    layer.mixer_post_norm = layer.ffn_post_norm = norm;
    layer.scalar = true;
  }
  share_keys(checkpoint, spec);
  read_per_layer_inputs(checkpoint, spec);
  name_parameters(spec.parameters);
  read_experts(checkpoint, spec);
  return spec;
}

const ArchitectureRegistration gemma4("Gemma4ForCausalLM", "gemma4_text", gemma4_spec);

}  // namespace
}  // namespace qkscope
