// GPT-2: learned positions, matrices stored the other way round, Q, K and V in one. OpenAI's own files name
// the parameters without a prefix.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ParameterTable gpt2_parameters() {
  ParameterTable table = gpt_parameters();
  for (const Role role : {Role::Query, Role::Key, Role::Value})
    table.stored[role] = {{.name = "attn.c_attn", .rows = Rows::QkvBlocks, .transposed = true}};
  table.stored[Role::AttnOut] = {{.name = "attn.c_proj", .transposed = true}};
  table.stored[Role::Up] = {{.name = "mlp.c_fc", .transposed = true}};
  table.stored[Role::Down] = {{.name = "mlp.c_proj", .transposed = true}};
  return table;
}

ModelSpec gpt2_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = gpt_like_spec(checkpoint, gpt2_parameters(),
                                 {.hidden_size = {"n_embd", 768, "hidden_size"},
                                  .num_layers = {"n_layer", 12, "num_hidden_layers"},
                                  .num_heads = {"n_head", 12, "num_attention_heads"},
                                  .max_position_embeddings = {"n_positions", 1024, "max_position_embeddings"},
                                  .intermediate_size = "n_inner"});
  spec.embedding.positions = spec.max_position_embeddings;
  const bool scaled = config.flag("scale_attn_weights", true);
  const bool by_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  for (int l = 0; l < spec.num_layers(); ++l) {
    auto& attention = std::get<AttentionSpec>(spec.layers[static_cast<std::size_t>(l)].mixer);
    if (!scaled) attention.scale = 1;
    if (by_layer) attention.scale /= l + 1;
  }
  return spec;
}

const ArchitectureRegistration gpt2("GPT2LMHeadModel", "gpt2", gpt2_spec);

}  // namespace
}  // namespace qkscope
