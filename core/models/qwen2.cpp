// Qwen2 and Qwen2.5: Llama with biases on Q, K and V, and a sliding window in the upper layers, or those that
// are listed, where it is switched on.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec qwen2_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 151936,
                                                .intermediate_size = 22016,
                                                .max_position_embeddings = 32768,
                                                .num_kv_heads = 32});
  const int window = config.size_or_null("sliding_window", 4096, 1 << 30).value_or(0);
  const bool slides = config.flag("use_sliding_window", false) && window > 0;
  const int first = config.integer("max_window_layers", 28);
  const std::vector<std::string> types =
      read_layer_types(checkpoint, spec.num_layers(), {"full_attention", "sliding_attention"});
  for (int l = 0; l < spec.num_layers(); ++l) {
    const auto index = static_cast<std::size_t>(l);
    auto& attention = std::get<AttentionSpec>(spec.layers[index].mixer);
    attention.qkv_bias = true;
    const bool listed = !types.empty() && types[index] == "sliding_attention";
    if (listed && !slides)
      config.fail("config key \"layer_types\" names sliding_attention, but no sliding_window is in use");
    if (listed || (types.empty() && slides && l >= first)) attention.window = window;
  }
  return spec;
}

const ArchitectureRegistration qwen2("Qwen2ForCausalLM", "qwen2", qwen2_spec);

}  // namespace
}  // namespace qkscope
