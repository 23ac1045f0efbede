// Llama 2 and 3: RMSNorm, rotate-half RoPE, grouped queries, gated SiLU; biases only where config.json asks.
#include "core/model/architecture.h"

namespace qkscope {
namespace {

DecoderSpec llama_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  DecoderSpec spec = llama_like_spec(checkpoint);
  spec.qkv_bias = spec.attn_output_bias = config.flag("attention_bias", false);
  spec.mlp_bias = config.flag("mlp_bias", false);
  return spec;
}

const ArchitectureRegistration llama("LlamaForCausalLM", llama_spec);

}  // namespace
}  // namespace qkscope
