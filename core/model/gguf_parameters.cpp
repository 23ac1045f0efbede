#include <algorithm>

#include "core/model/spec.h"

namespace qkscope {

namespace {

void plain(ParameterTable& table, std::initializer_list<std::pair<Role, const char*>> names) {
  for (const auto& [role, name] : names) table.stored[role] = {{.name = name}};
}

void add_experts(ParameterTable& table) {
  plain(table, {{Role::Router, "mlp.gate"},
                {Role::SharedRouter, "mlp.shared_expert_gate"},
                {Role::RoutedNorm, "pre_feedforward_layernorm_2"},
                {Role::RoutedPostNorm, "post_feedforward_layernorm_2"},
                {Role::SharedPostNorm, "post_feedforward_layernorm_1"}});
  // The expert that all positions use is the MLP itself where the experts stand beside one (Gemma 4).
  for (const auto& [role, name] :
       {std::pair{Role::SharedGate, "gate_proj"}, std::pair{Role::SharedUp, "up_proj"},
        std::pair{Role::SharedDown, "down_proj"}})
    table.stored[role] = {{.name = std::string("mlp.shared_expert.") + name},
                          {.name = std::string("mlp.") + name}};
  table.stored[Role::RouterNorm] = {{.name = "mlp.gate.scale", .bare = true}};
  table.stored[Role::RouterExpertScale] = {{.name = "mlp.experts.down_proj.scale", .bare = true}};
  table.stored[Role::RouterCorrection] = {{.name = "mlp.gate.e_score_correction.bias", .bare = true}};
  const auto stacked = [](const char* name, Rows rows = Rows::All) {
    return Stored{.name = name, .rows = rows, .stacked = true};
  };
  const Stored both = stacked("mlp.experts.gate_up_proj", Rows::GateUpBlocks);
  // One by one in files from before April 2024.
  const auto one = [](const char* name) {
    return Stored{.name = std::string("mlp.experts.{expert}.") + name};
  };
  table.stored[Role::ExpertGate] = {stacked("mlp.experts.gate_proj"), both, one("gate_proj")};
  table.stored[Role::ExpertUp] = {stacked("mlp.experts.up_proj"), both, one("up_proj")};
  table.stored[Role::ExpertDown] = {stacked("mlp.experts.down_proj"), one("down_proj")};
}

void add_recurrent(ParameterTable& table, bool tiled_values) {
  plain(table, {{Role::MambaIn, "ssm.in_proj"},
                {Role::MambaConv, "ssm.conv1d"},
                {Role::MambaX, "ssm.x_proj"},
                {Role::MambaDt, "ssm.dt_proj"},
                {Role::MambaOut, "ssm.out_proj"},
                {Role::MambaDtNorm, "ssm.dt_layernorm"},
                {Role::MambaBNorm, "ssm.b_layernorm"},
                {Role::MambaCNorm, "ssm.c_layernorm"},
                {Role::DeltaNorm, "ssm.norm"}});
  table.stored[Role::MambaALog] = {{.name = "ssm.A", .bare = true, .minus_exp = true}};
  table.stored[Role::MambaD] = {{.name = "ssm.D", .bare = true}};
  const Rows rows = tiled_values ? Rows::TiledValues : Rows::All;
  table.stored[Role::DeltaQkv] = {{.name = "self_attn.qkv_proj", .rows = rows}};
  table.stored[Role::DeltaGate] = {{.name = "linear_attn.in_proj_z", .rows = rows}};
  const Stored both{.name = "ssm.in_proj_ba", .rows = Rows::DeltaGroups};
  table.stored[Role::DeltaBeta] = {{.name = "ssm.in_proj_b", .rows = rows}, both};
  table.stored[Role::DeltaDecay] = {{.name = "ssm.in_proj_a", .rows = rows}, both};
  table.stored[Role::DeltaConv] = {{.name = "ssm.conv1d", .rows = rows}};
  table.stored[Role::DeltaDtBias] = {{.name = "ssm.dt_proj.bias", .rows = rows, .bare = true}};
  table.stored[Role::DeltaALog] = {{.name = "ssm.A", .rows = rows, .bare = true, .minus_exp = true}};
  table.stored[Role::DeltaOut] = {{.name = "ssm.out_proj", .tiled_columns = tiled_values}};
}

}  // namespace

ParameterTable gguf_parameters(const ModelSpec& spec, bool tiled_values) {
  ParameterTable table = llama_parameters();
  table.prefixes = {"model."};
  plain(table, {{Role::EmbeddingNorm, "embed_layernorm"},
                {Role::Positions, "embed_positions"},
                {Role::PerLayerEmbedding, "embed_tokens_per_layer"},
                {Role::PerLayerProjection, "per_layer_model_projection"},
                {Role::PerLayerInputNorm, "per_layer_projection_norm"},
                {Role::Head, "lm_head"},
                {Role::MixerPostNorm, "post_self_attn_layernorm"},
                {Role::FfnPostNorm, "post_mlp_layernorm"},
                {Role::LayerScalar, "layer_scalar"},
                {Role::PerLayerGate, "per_layer_input_gate"},
                {Role::PerLayerUp, "per_layer_projection"},
                {Role::PerLayerNorm, "post_per_layer_input_norm"},
                {Role::Sinks, "self_attn.sinks"},
                {Role::QueryDown, "self_attn.q_a_proj"},
                {Role::QueryDownNorm, "self_attn.q_a_layernorm"},
                {Role::KvDown, "self_attn.kv_a_proj_with_mqa"},
                {Role::KvDownNorm, "self_attn.kv_a_layernorm"},
                {Role::KvUp, "self_attn.kv_b_proj"},
                {Role::KeyUp, "self_attn.k_b_proj"},
                {Role::ValueUp, "self_attn.v_b_proj"}});
  // Of two norms of one stream the second is the mixer's (Falcon); what stands between mixer and ffn is
  // called by its place before the ffn or after the mixer.
  table.stored[Role::MixerNorm] = {{.name = "self_attn_layernorm"}, {.name = "input_layernorm"}};
  table.stored[Role::FfnNorm] = {{.name = "post_attention_layernorm"},
                                 {.name = "post_self_attn_layernorm"},
                                 {.name = "input_layernorm"}};
  const bool gate = std::ranges::any_of(
      spec.layers, [](const LayerSpec& layer) { return layer.attention() && layer.attention()->gate; });
  const Rows query = gate ? Rows::QueryGate : Rows::All;
  const Stored fused{.name = "self_attn.qkv_proj", .rows = Rows::QkvBlocks};
  table.stored[Role::Query] = {
      {.name = "self_attn.q_proj", .rows = query}, {.name = "self_attn.q_b_proj"}, fused};
  table.stored[Role::Key] = {{.name = "self_attn.k_proj"}, fused};
  table.stored[Role::Value] = {{.name = "self_attn.v_proj"}, fused};
  table.stored[Role::AttnGate] = {{.name = "self_attn.q_proj", .rows = Rows::QueryGate}};
  const Stored gate_up{.name = "mlp.gate_up_proj", .rows = Rows::GateUpBlocks};
  table.stored[Role::Gate] = {{.name = "mlp.gate_proj"}, gate_up};
  table.stored[Role::Up] = {{.name = "mlp.up_proj"}, gate_up};
  add_experts(table);
  add_recurrent(table, tiled_values);
  return table;
}

}  // namespace qkscope
