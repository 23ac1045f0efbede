// GPT-Neo: GPT-2 with scores that are not scaled, and a window in the layers that are "local".
#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

using nlohmann::json;

ParameterTable gpt_neo_parameters() {
  ParameterTable table = gpt_parameters();
  table.stored[Role::Query] = {{.name = "attn.attention.q_proj"}};
  table.stored[Role::Key] = {{.name = "attn.attention.k_proj"}};
  table.stored[Role::Value] = {{.name = "attn.attention.v_proj"}};
  table.stored[Role::AttnOut] = {{.name = "attn.attention.out_proj"}};
  table.stored[Role::Up] = {{.name = "mlp.c_fc"}};
  table.stored[Role::Down] = {{.name = "mlp.c_proj"}};
  return table;
}

/// [[["global", "local"], 2], ...]: each list of kinds so many times.
json expanded(const Config& config, const json& types) {
  const auto fail = [&] {
    config.fail("config key \"attention_types\" is " + short_json(types) +
                ", expected pairs of a list of kinds and a number like [[[\"global\", \"local\"], 12]]");
  };
  json layers = json::array();
  if (!types.is_array()) fail();
  for (const json& pair : types) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_array() || !pair[1].is_number_integer() ||
        pair[1] < 0 || pair[1] > limits::layers)
      fail();
    for (int i = 0; i < pair[1].get<int>() && layers.size() <= limits::layers; ++i)
      layers.insert(layers.end(), pair[0].begin(), pair[0].end());
  }
  return layers;
}

/// The kinds of all layers: as they are listed, else as "attention_types" puts them.
json layer_kinds(const Config& config, int num_layers) {
  const json* listed = config.find("attention_layers");
  const json* types = config.find("attention_types");
  const bool by_default = !types || types->is_null();
  const json kinds = listed       ? *listed
                     : by_default ? expanded(config, json::parse(R"([[["global", "local"], 12]])"))
                                  : expanded(config, *types);
  if (!kinds.is_array() || kinds.size() != static_cast<std::size_t>(num_layers))
    config.fail(
        "config key \"" + std::string(listed ? "attention_layers" : "attention_types") + "\" " +
        (kinds.is_array() ? "names " + std::to_string(kinds.size()) + " layers" : "is " + short_json(kinds)) +
        ", expected the kinds of " + std::to_string(num_layers) + " layers");
  return kinds;
}

ModelSpec gpt_neo_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = gpt_like_spec(checkpoint, gpt_neo_parameters(),
                                 {.hidden_size = {"hidden_size", 2048},
                                  .num_layers = {"num_layers", 24, "num_hidden_layers"},
                                  .num_heads = {"num_heads", 16, "num_attention_heads"}});
  spec.embedding.positions = spec.max_position_embeddings;
  const int window = config.size("window_size", 256, limits::positions);
  const json kinds = layer_kinds(config, spec.num_layers());
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    auto& attention = std::get<AttentionSpec>(spec.layers[l].mixer);
    attention.scale = 1;
    attention.qkv_bias = false;
    if (kinds[l] == "local")
      attention.window = window;
    else if (kinds[l] != "global")
      config.fail("config key \"attention_types\" names " + short_json(kinds[l]) +
                  ", expected global or local");
  }
  return spec;
}

const ArchitectureRegistration gpt_neo("GPTNeoForCausalLM", "gpt_neo", gpt_neo_spec);

}  // namespace
}  // namespace qkscope
