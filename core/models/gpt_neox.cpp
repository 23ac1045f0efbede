// GPT-NeoX and Pythia: attention and a plain MLP side by side, each behind a layer norm of its own, RoPE of a
// quarter of a head, Q, K and V of each head together.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ParameterTable gpt_neox_parameters() {
  ParameterTable table;
  table.prefixes = {"gpt_neox.", ""};
  table.stored[Role::Embedding] = {{.name = "embed_in"}};
  table.stored[Role::FinalNorm] = {{.name = "final_layer_norm"}};
  table.stored[Role::Head] = {{.name = "embed_out"}, {.name = "lm_head"}};
  table.stored[Role::MixerNorm] = {{.name = "input_layernorm"}};
  table.stored[Role::FfnNorm] = {{.name = "post_attention_layernorm"}};
  for (const Role role : {Role::Query, Role::Key, Role::Value})
    table.stored[role] = {{.name = "attention.query_key_value", .rows = Rows::QkvGroups}};
  table.stored[Role::AttnOut] = {{.name = "attention.dense"}};
  table.stored[Role::Up] = {{.name = "mlp.dense_h_to_4h"}};
  table.stored[Role::Down] = {{.name = "mlp.dense_4h_to_h"}};
  return table;
}

ModelSpec gpt_neox_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = gpt_like_spec(checkpoint, gpt_neox_parameters(),
                                 {.vocab_size = {"vocab_size", 50432},
                                  .hidden_size = {"hidden_size", 6144},
                                  .num_layers = {"num_hidden_layers", 44},
                                  .num_heads = {"num_attention_heads", 64},
                                  .absent_intermediate_size = 24576,
                                  .norm_eps = "layer_norm_eps",
                                  .activation = "hidden_act",
                                  .absent_activation = "gelu",
                                  .tie_word_embeddings = false});
  const RopeSpec rope = read_rope(checkpoint, {.head_dim = spec.head_dim(),
                                               .max_position_embeddings = spec.max_position_embeddings,
                                               .partial_rotary_factor = 0.25,
                                               .theta_key = "rotary_emb_base",
                                               .partial_key = "rotary_pct"});
  const bool bias = config.flag("attention_bias", true);
  const bool parallel = config.flag("use_parallel_residual", true);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.rope = rope;
    attention.qkv_bias = attention.out_bias = bias;
    layer.wiring = parallel ? Wiring::Parallel : Wiring::Sequential;
  }
  return spec;
}

const ArchitectureRegistration gpt_neox("GPTNeoXForCausalLM", "gpt_neox", gpt_neox_spec);

}  // namespace
}  // namespace qkscope
