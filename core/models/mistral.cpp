// Mistral: Llama with a sliding window in every layer; null is none, an absent key is one of 4096.
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

const ArchitectureRegistration mistral("MistralForCausalLM", "mistral", mistral_spec);

}  // namespace
}  // namespace qkscope
