// OPT: learned positions, of which the first two rows are nobody's, ReLU; the 350m puts its norms after the
// sums and projects its short embedding to the residual stream and back.
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ParameterTable opt_parameters() {
  ParameterTable table;
  table.prefixes = {"model.decoder.", "decoder."};
  table.stored[Role::Embedding] = {{.name = "embed_tokens"}};
  table.stored[Role::Positions] = {{.name = "embed_positions"}};
  table.stored[Role::ProjectIn] = {{.name = "project_in"}};
  table.stored[Role::ProjectOut] = {{.name = "project_out"}};
  table.stored[Role::FinalNorm] = {{.name = "final_layer_norm"}};
  table.stored[Role::Head] = {{.name = "lm_head"}};
  table.stored[Role::MixerNorm] = {{.name = "self_attn_layer_norm"}};
  table.stored[Role::FfnNorm] = {{.name = "final_layer_norm"}};
  table.stored[Role::Query] = {{.name = "self_attn.q_proj"}};
  table.stored[Role::Key] = {{.name = "self_attn.k_proj"}};
  table.stored[Role::Value] = {{.name = "self_attn.v_proj"}};
  table.stored[Role::AttnOut] = {{.name = "self_attn.out_proj"}};
  table.stored[Role::Up] = {{.name = "fc1"}};
  table.stored[Role::Down] = {{.name = "fc2"}};
  return table;
}

ModelSpec opt_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = gpt_like_spec(checkpoint, opt_parameters(),
                                 {.vocab_size = {"vocab_size", 50272},
                                  .intermediate_size = "ffn_dim",
                                  .absent_intermediate_size = 3072,
                                  .absent_activation = "relu"});
  spec.embedding.positions = spec.max_position_embeddings;
  spec.embedding.position_offset = 2;
  spec.embedding.size =
      config.size_or_null("word_embed_proj_dim", {}, limits::hidden).value_or(spec.hidden_size);
  if (spec.embedding.size != spec.hidden_size) spec.head.projected = spec.embedding.size;

  const bool learned = config.flag("layer_norm_elementwise_affine", true);
  const NormSpec norm{.kind = NormSpec::Kind::Layer, .eps = 1e-5, .has_weight = learned, .has_bias = learned};
  const bool norm_first = config.flag("do_layer_norm_before", true);
  const bool bias = config.flag("enable_bias", true);
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.qkv_bias = attention.out_bias = bias;
    std::get<MlpSpec>(layer.ffn).bias = bias;
    layer.mixer_norm = layer.ffn_norm = norm;
    if (!norm_first) layer.wiring = Wiring::NormAfterSum;
  }
  spec.head.norm = norm;
  if (!norm_first || config.flag("_remove_final_layer_norm", false)) spec.head.norm.reset();
  return spec;
}

const ArchitectureRegistration opt("OPTForCausalLM", "opt", opt_spec);

}  // namespace
}  // namespace qkscope
