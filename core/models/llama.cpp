// Llama 2 and 3: RMSNorm, rotate-half RoPE, grouped queries, gated SiLU; biases only where config.json asks.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

DecoderSpec llama_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  DecoderSpec spec = llama_like_spec(
      checkpoint,
      {.vocab_size = 32000, .intermediate_size = 11008, .max_position_embeddings = 2048, .num_kv_heads = {}});
  spec.qkv_bias = spec.attn_output_bias = config.flag("attention_bias", false);
  spec.mlp_bias = config.flag("mlp_bias", false);
  if (!checkpoint.gguf() &&
      spec.hidden_size % spec.num_heads != 0) {  // transformers asks for it even where head_dim is given
    config.fail("hidden_size " + std::to_string(spec.hidden_size) +
                " is not a multiple of num_attention_heads " + std::to_string(spec.num_heads));
  }
  return spec;
}

const ArchitectureRegistration llama("LlamaForCausalLM", "llama", llama_spec);

}  // namespace
}  // namespace qkscope
