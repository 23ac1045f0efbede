// SmolLM3: Llama of which every fourth layer, or those that are listed, does not rotate.
#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

/// Whether each layer rotates: 1 in "no_rope_layers" means, against its name, that it does.
std::vector<bool> rotating_layers(const Checkpoint& checkpoint, int num_layers) {
  const Config config(checkpoint);
  const int interval = config.size("no_rope_layer_interval", 4, limits::layers);
  std::vector<bool> rotates;
  const auto* listed = config.find("no_rope_layers");
  if (!listed || listed->is_null()) {
    for (int l = 0; l < num_layers; ++l) rotates.push_back((l + 1) % interval != 0);
    return rotates;
  }
  const bool list = listed->is_array() && listed->size() == static_cast<std::size_t>(num_layers);
  for (const auto& entry : list ? *listed : nlohmann::json::array()) {
    if (entry == 0 || entry == 1) rotates.push_back(entry == 1);
  }
  if (rotates.size() != static_cast<std::size_t>(num_layers))
    config.fail("config key \"no_rope_layers\" is " + short_json(*listed) + ", expected a list of " +
                std::to_string(num_layers) + " zeros and ones, one for each layer");
  return rotates;
}

ModelSpec smollm3_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 128256,
                                                .hidden_size = 2048,
                                                .intermediate_size = 11008,
                                                .max_position_embeddings = 32768,
                                                .num_layers = 36,
                                                .num_heads = 16,
                                                .num_kv_heads = 4,
                                                .rope_theta = 2000000,
                                                .tie_word_embeddings = true,
                                                .attention_bias = false,
                                                .mlp_bias = false});
  const std::vector<bool> rotates = rotating_layers(checkpoint, spec.num_layers());
  const int window = config.size_or_null("sliding_window", {}, 1 << 30).value_or(0);
  const bool slides = config.flag("use_sliding_window", false) && window > 0;
  set_windows(checkpoint, spec, window,
              [&](int layer) { return slides && !rotates[static_cast<std::size_t>(layer)]; });
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    if (!rotates[l]) std::get<AttentionSpec>(spec.layers[l].mixer).rope = {};
  }
  return spec;
}

const ArchitectureRegistration smollm3("SmolLM3ForCausalLM", "smollm3", smollm3_spec);

}  // namespace
}  // namespace qkscope
