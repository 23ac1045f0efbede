// Mistral: Llama with a sliding window in every layer.
#include "core/model/architecture.h"

namespace qkscope {
namespace {

DecoderSpec mistral_spec(const Checkpoint& checkpoint) {
  DecoderSpec spec = llama_like_spec(checkpoint);
  const int window = Config(checkpoint).positive("sliding_window", 0);
  spec.sliding_window.assign(spec.sliding_window.size(), window);
  return spec;
}

const ArchitectureRegistration mistral("MistralForCausalLM", mistral_spec);

}  // namespace
}  // namespace qkscope
