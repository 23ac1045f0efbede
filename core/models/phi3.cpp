// Phi-3, Phi-3.5 and Phi-4: Llama with Q, K and V in one matrix and gate and up in another, RoPE of a part of
// a head (Phi-4 mini) and longrope.
#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ModelSpec phi3_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  const LlamaLikeDefaults defaults{.vocab_size = 32064,
                                   .hidden_size = 3072,
                                   .intermediate_size = 8192,
                                   .max_position_embeddings = 4096,
                                   .rms_norm_eps = 1e-5,
                                   .one_rope = false};
  ModelSpec spec = llama_like_spec(checkpoint, defaults);
  for (const Role role : {Role::Query, Role::Key, Role::Value})
    spec.parameters.stored[role] = {{.name = "self_attn.qkv_proj", .rows = Rows::QkvBlocks}};
  for (const Role role : {Role::Gate, Role::Up})
    spec.parameters.stored[role] = {{.name = "mlp.gate_up_proj", .rows = Rows::GateUpBlocks}};
  const RopeSpec rope = read_rope(checkpoint, {.head_dim = spec.head_dim(),
                                               .max_position_embeddings = spec.max_position_embeddings,
                                               .partial_rotary_factor = 1.0,
                                               .original_max_position_embeddings = 4096,
                                               .longrope_names = {"su", "yarn"}});
  if (rope.type != "default" && rope.type != "longrope")
    config.fail("RoPE key \"rope_type\" is " + in_quotes(rope.type) + ", expected default or longrope");
  const auto window = config.size_or_null("sliding_window", {}, 1 << 30);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.rope = rope;
    attention.window = window.value_or(0);
  }
  return spec;
}

const ArchitectureRegistration phi3("Phi3ForCausalLM", "phi3", phi3_spec);

}  // namespace
}  // namespace qkscope
