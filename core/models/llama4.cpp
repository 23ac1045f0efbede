// Llama 4's text model: layers in chunks that rotate neighbouring pairs, and every few one that sees all and
// does not rotate; Q and K are normed after the rotation; experts read what their weight scales.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

void name_parameters(ParameterTable& table) {
  name_experts(table, "feed_forward", "shared_expert");
  table.stored[Role::Router] = {{.name = "feed_forward.router"}};
  for (const Role role : {Role::ExpertGate, Role::ExpertUp, Role::ExpertDown}) {
    for (Stored& stored : table.stored[role]) stored.transposed = stored.stacked;
  }
}

/// Whether each layer rotates: as listed, else all but one of every so many.
std::vector<bool> rotating_layers(const Config& config, int num_layers) {
  const nlohmann::json* list = config.find("no_rope_layers");
  const int interval = config.size("no_rope_layer_interval", 4, limits::layers);
  std::vector<bool> rotating;
  for (int l = 0; l < num_layers; ++l) rotating.push_back((l + 1) % interval != 0);
  if (!list || list->empty()) return rotating;
  for (std::size_t l = 0; l < rotating.size(); ++l) {
    if (!list->is_array() || list->size() < rotating.size() || !list->at(l).is_number_integer()) {
      config.fail("config key \"no_rope_layers\" is no list of " + std::to_string(num_layers) +
                  " numbers, 1 for a layer that rotates and 0 for one that does not");
    }
    rotating[l] = list->at(l) != 0;
  }
  return rotating;
}

/// Whether each layer has experts: those that are listed, else every so many.
std::vector<bool> expert_layers(const Config& config, int num_layers) {
  const nlohmann::json* list = config.find("moe_layers");
  const int step = config.size("interleave_moe_layer_step", 1, limits::layers);
  const std::set<int> listed = read_layer_list(config, "moe_layers");
  std::vector<bool> layers;
  for (int l = 0; l < num_layers; ++l)
    layers.push_back(list && !list->is_null() ? listed.contains(l) : (l + 1) % step == 0);
  return layers;
}

ModelSpec llama4_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 202048,
                                                .hidden_size = 5120,
                                                .intermediate_size = 8192,
                                                .max_position_embeddings = 131072,
                                                .num_layers = 48,
                                                .num_heads = 40,
                                                .num_kv_heads = 8,
                                                .head_dim = 128,
                                                .rms_norm_eps = 1e-5,
                                                .rope_theta = 500000,
                                                .attention_bias = false});
  name_parameters(spec.parameters);
  MoeSpec moe = read_experts(config, "num_local_experts", "num_local_experts", 16, 1);
  moe.router.score = RouterSpec::Score::Sigmoid;
  moe.router.choose_first = moe.router.scales_input = true;
  moe.expert = std::get<MlpSpec>(spec.layers.front().ffn);
  moe.shared = moe.expert;
  MlpSpec dense = moe.expert;
  dense.intermediate_size = config.size("intermediate_size_mlp", 16384, limits::inner);

  const bool norms = config.flag("use_qk_norm", true);
  const bool scales = config.flag("attn_temperature_tuning", true);
  const QueryScaleSpec scale{.weight = config.number("attn_scale", 0.1),
                             .interval = static_cast<double>(config.size("floor_scale", 8192, 1 << 30)),
                             .first = 1};
  const int chunk = config.size_or_null("attention_chunk_size", 8192, 1 << 30).value_or(0);
  const std::vector<bool> rotating = rotating_layers(config, spec.num_layers());
  const std::vector<bool> expert = expert_layers(config, spec.num_layers());
  const std::vector<std::string> types =
      read_layer_types(checkpoint, spec.num_layers(), {"full_attention", "chunked_attention"});
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    LayerSpec& layer = spec.layers[l];
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    if (!rotating[l]) {
      attention.rope.reset();
      if (scales) attention.query_scale = scale;
    } else {
      attention.rope->interleaved = true;
      attention.norms_after_rotation = norms;
      if (norms)
        attention.q_norm = attention.k_norm = NormSpec{.eps = layer.mixer_norm->eps, .has_weight = false};
    }
    if (types.empty() ? rotating[l] : types[l] == "chunked_attention") {
      if (chunk == 0)
        config.fail("config key \"attention_chunk_size\" is null, expected the size of the layers' chunks");
      attention.chunk = chunk;
    }
    layer.ffn = expert[l] ? FfnSpec{moe} : FfnSpec{dense};
  }
  return spec;
}

const ArchitectureRegistration llama4("Llama4ForCausalLM", "llama4_text", llama4_spec);

}  // namespace
}  // namespace qkscope
