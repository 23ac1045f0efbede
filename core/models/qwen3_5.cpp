// Qwen3-Next and Qwen 3.5, plain and with experts: three layers of gated delta-net to one of attention, whose
// heads have an output gate and rotate a quarter of their dims. All norms but the delta-net's add one.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

void name_parameters(ParameterTable& table) {
  const auto name = [&](Role role, Stored stored) { table.stored[role] = {std::move(stored)}; };
  for (const Role role : {Role::Query, Role::AttnGate})
    name(role, {.name = "self_attn.q_proj", .rows = Rows::QueryGate});
  // Each projection by itself (Qwen 3.5), else two for all (Qwen3-Next).
  const auto delta = [&](Role role, const std::string& own, const std::string& shared) {
    table.stored[role] = {{.name = "linear_attn." + own},
                          {.name = "linear_attn." + shared, .rows = Rows::DeltaGroups}};
  };
  delta(Role::DeltaQkv, "in_proj_qkv", "in_proj_qkvz");
  delta(Role::DeltaGate, "in_proj_z", "in_proj_qkvz");
  delta(Role::DeltaBeta, "in_proj_b", "in_proj_ba");
  delta(Role::DeltaDecay, "in_proj_a", "in_proj_ba");
  name(Role::DeltaConv, {.name = "linear_attn.conv1d"});
  name(Role::DeltaDtBias, {.name = "linear_attn.dt_bias", .bare = true});
  name(Role::DeltaALog, {.name = "linear_attn.A_log", .bare = true});
  name(Role::DeltaNorm, {.name = "linear_attn.norm"});
  name(Role::DeltaOut, {.name = "linear_attn.out_proj"});
}

DeltaNetSpec read_delta_net(const Config& config, const ModelSpec& spec) {
  DeltaNetSpec delta;
  delta.num_key_heads = config.size("linear_num_key_heads", 16, limits::heads);
  delta.num_value_heads = config.size("linear_num_value_heads", 32, limits::heads);
  delta.key_dim = config.size("linear_key_head_dim", 128, limits::head_dim);
  delta.value_dim = config.size("linear_value_head_dim", 128, limits::head_dim);
  delta.conv_kernel = config.size("linear_conv_kernel_dim", 4, limits::head_dim);
  delta.activation = std::get<MlpSpec>(spec.layers.front().ffn).activation;
  delta.eps = spec.head.norm->eps;
  if (delta.num_value_heads % delta.num_key_heads != 0) {
    config.fail("linear_num_value_heads " + std::to_string(delta.num_value_heads) +
                " is not a multiple of linear_num_key_heads " + std::to_string(delta.num_key_heads));
  }
  return delta;
}

/// All of it but the experts.
ModelSpec gated_spec(const Checkpoint& checkpoint, LlamaLikeDefaults defaults) {
  const Config config(checkpoint);
  defaults.max_position_embeddings = 32768;
  defaults.num_heads = 16;
  defaults.head_dim = 256;
  defaults.partial_rotary_factor = 0.25;
  defaults.attention_bias = false;
  ModelSpec spec = llama_like_spec(checkpoint, defaults);
  name_parameters(spec.parameters);
  spec.head.norm->unit_offset = true;
  const DeltaNetSpec delta = read_delta_net(config, spec);
  const int interval = config.size("full_attention_interval", 4, limits::layers);
  const std::vector<std::string> types =
      read_layer_types(checkpoint, spec.num_layers(), {"full_attention", "linear_attention"});
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    LayerSpec& layer = spec.layers[l];
    layer.mixer_norm = layer.ffn_norm = spec.head.norm;
    if (types.empty() ? (l + 1) % static_cast<std::size_t>(interval) != 0 : types[l] == "linear_attention") {
      layer.mixer = delta;
      continue;
    }
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.gate = true;
    attention.q_norm = attention.k_norm = spec.head.norm;
  }
  return spec;
}

ModelSpec qwen3_5_spec(const Checkpoint& checkpoint) {
  return gated_spec(checkpoint, {.vocab_size = 248320, .intermediate_size = 12288, .num_kv_heads = 4});
}

MoeSpec read_gated_experts(const Config& config, ModelSpec& spec, int absent, int absent_top_k) {
  name_experts(spec.parameters, "mlp", "shared_expert");
  MoeSpec moe = read_experts(config, "num_experts", "num_experts", absent, absent_top_k);
  moe.router.normalize = true;
  moe.expert = std::get<MlpSpec>(spec.layers.front().ffn);
  moe.expert.intermediate_size = config.size("moe_intermediate_size", 512, limits::inner);
  moe.shared = moe.expert;
  moe.shared->intermediate_size = config.size("shared_expert_intermediate_size", 512, limits::inner);
  moe.shared_gate = true;
  return moe;
}

ModelSpec qwen3_5_moe_spec(const Checkpoint& checkpoint) {
  ModelSpec spec = gated_spec(
      checkpoint, {.vocab_size = 248320, .hidden_size = 2048, .num_layers = 40, .num_kv_heads = 2});
  const MoeSpec moe = read_gated_experts(Config(checkpoint), spec, 256, 8);
  for (LayerSpec& layer : spec.layers) layer.ffn = moe;
  return spec;
}

ModelSpec qwen3_next_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = gated_spec(checkpoint, {.vocab_size = 151936,
                                           .hidden_size = 2048,
                                           .intermediate_size = 5632,
                                           .num_layers = 48,
                                           .num_kv_heads = 2});
  MoeSpec moe = read_gated_experts(config, spec, 512, 10);
  moe.router.normalize = config.flag("norm_topk_prob", true);
  put_sparse_experts(config, spec, moe);
  return spec;
}

const ArchitectureRegistration qwen3_5("Qwen3_5ForCausalLM", "qwen3_5_text", qwen3_5_spec);
const ArchitectureRegistration qwen3_5_moe("Qwen3_5MoeForCausalLM", "qwen3_5_moe_text", qwen3_5_moe_spec);
const ArchitectureRegistration qwen3_next("Qwen3NextForCausalLM", "qwen3_next", qwen3_next_spec);

}  // namespace
}  // namespace qkscope
