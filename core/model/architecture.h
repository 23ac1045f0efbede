#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/model/decoder_spec.h"

namespace qkscope {

/// Fills a DecoderSpec from config.json. Throws Error naming the key at fault.
using MakeSpec = DecoderSpec (*)(const Checkpoint&);

/// Each file in core/models/ adds itself by the names that config.json has for it in "architectures" and in
/// "model_type": ArchitectureRegistration llama("LlamaForCausalLM", "llama", llama_spec);
struct ArchitectureRegistration {
  ArchitectureRegistration(std::string name, std::string model_type, MakeSpec make);
};

/// The names of all architectures there are, sorted.
std::vector<std::string> architectures();
/// The spec of a checkpoint, by the first known name in config.json's "architectures", by "model_type" where
/// none is named. Checks what every decoder needs (heads divisible, a RoPE that can be computed). Throws
/// Error.
DecoderSpec make_spec(const Checkpoint& checkpoint);

/// What an absent key of config.json means, where Llama-like families differ: the defaults of their
/// transformers classes.
struct LlamaLikeDefaults {
  int vocab_size = 0, intermediate_size = 0, max_position_embeddings = 0;
  std::optional<int> num_kv_heads;  // nothing: as many as query heads, which null means to all
};
/// The part of the spec that every Llama-like config.json says in the same words.
DecoderSpec llama_like_spec(const Checkpoint& checkpoint, const LlamaLikeDefaults& defaults);
/// The RoPE settings: rope_scaling, else rope_parameters, and the keys beside them, in transformers' order of
/// precedence. `head_dim` sets rotary_dim but where a GGUF file says otherwise.
RopeSpec read_rope(const Checkpoint& checkpoint, int head_dim, int max_position_embeddings);

}  // namespace qkscope
