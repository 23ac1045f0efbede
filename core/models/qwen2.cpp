// Qwen2 and Qwen2.5: Llama with biases on Q, K and V, and a sliding window in the upper layers where it is
// switched on.
#include "core/model/architecture.h"

namespace qkscope {
namespace {

DecoderSpec qwen2_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  DecoderSpec spec = llama_like_spec(checkpoint);
  spec.qkv_bias = true;
  if (!config.flag("use_sliding_window", false)) return spec;
  const int window = config.positive("sliding_window", 4096);
  const int first = static_cast<int>(config.number("max_window_layers", 28));
  const auto types = config.json().find("layer_types");
  for (int l = 0; l < spec.num_layers; ++l) {
    const auto i = static_cast<std::size_t>(l);
    const bool listed = types != config.json().end() && types->is_array() && i < types->size();
    const bool slides = listed ? types->at(i) == "sliding_attention" : l >= first;
    if (slides) spec.sliding_window[i] = window;
  }
  return spec;
}

const ArchitectureRegistration qwen2("Qwen2ForCausalLM", qwen2_spec);

}  // namespace
}  // namespace qkscope
