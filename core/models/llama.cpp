// Llama 1 to 3: RMSNorm, rotate-half RoPE, grouped queries, gated SiLU; biases only where config.json asks.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec llama_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.attention_bias = false, .mlp_bias = false});
  if (!checkpoint.gguf() &&  // transformers asks for it even where head_dim is given
      spec.hidden_size % spec.num_heads() != 0) {
    config.fail("hidden_size " + std::to_string(spec.hidden_size) +
                " is not a multiple of num_attention_heads " + std::to_string(spec.num_heads()));
  }
  return spec;
}

const ArchitectureRegistration llama("LlamaForCausalLM", "llama", llama_spec);

}  // namespace
}  // namespace qkscope
