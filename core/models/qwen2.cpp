// Qwen2 and Qwen2.5: Llama with biases on Q, K and V, and a sliding window in the upper layers, or those that
// are listed, where it is switched on.
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

// Which layers slide. Throws Error where the list is no list of this family's kinds, one a layer.
std::vector<bool> sliding_layers(const Config& config, int num_layers, bool has_window) {
  std::vector<bool> slides(static_cast<std::size_t>(num_layers), false);
  const int first = config.integer("max_window_layers", 28);
  const nlohmann::json* types = config.find("layer_types");
  if (!types || types->is_null()) {
    for (int l = 0; l < num_layers; ++l) slides[static_cast<std::size_t>(l)] = has_window && l >= first;
    return slides;
  }
  if (!types->is_array() || types->size() != slides.size())
    config.fail("config key \"layer_types\" is " + short_json(*types) + ", expected a list of " +
                std::to_string(num_layers) + " kinds of layers");
  for (std::size_t l = 0; l < slides.size(); ++l) {
    slides[l] = types->at(l) == "sliding_attention";
    if (!slides[l] && types->at(l) != "full_attention")
      config.fail("config key \"layer_types\" names " + short_json(types->at(l)) +
                  ", expected full_attention or sliding_attention");
    if (slides[l] && !has_window)
      config.fail("config key \"layer_types\" names sliding_attention, but no sliding_window is in use");
  }
  return slides;
}

DecoderSpec qwen2_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  DecoderSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151936,
                                                  .intermediate_size = 22016,
                                                  .max_position_embeddings = 32768,
                                                  .num_kv_heads = 32});
  spec.qkv_bias = true;
  const bool used = config.flag("use_sliding_window", false);
  const int window = config.size_or_null("sliding_window", 4096, 1 << 30).value_or(0);
  const std::vector<bool> slides = sliding_layers(config, spec.num_layers, used && window > 0);
  for (std::size_t l = 0; l < slides.size(); ++l) {
    if (slides[l]) spec.sliding_window[l] = window;
  }
  return spec;
}

const ArchitectureRegistration qwen2("Qwen2ForCausalLM", "qwen2", qwen2_spec);

}  // namespace
}  // namespace qkscope
