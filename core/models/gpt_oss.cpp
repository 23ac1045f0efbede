// gpt-oss: a learned sink a head, a window in every other layer, and experts whose gate and up stand in
// alternate rows, in MXFP4 as published or dequantized, where every matrix is the other way round.
#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

void name_parameters(ParameterTable& table) {
  name_experts(table, "mlp", "");
  table.stored[Role::Router] = {{.name = "mlp.router"}};
  table.stored[Role::Sinks] = {{.name = "self_attn.sinks", .bare = true}};
  const std::string all = "mlp.experts.";
  const auto store = [&](Role role, const std::string& name, Rows rows) {
    Stored packed{.name = all + name + "_blocks", .rows = rows, .stacked = true, .bare = true};
    packed.bias = all + name + "_bias";
    Stored plain = packed;
    plain.name = all + name;
    plain.transposed = true;
    table.stored[role] = {plain, packed};
  };
  store(Role::ExpertGate, "gate_up_proj", Rows::GateUpInterleaved);
  store(Role::ExpertUp, "gate_up_proj", Rows::GateUpInterleaved);
  store(Role::ExpertDown, "down_proj", Rows::All);
}

ModelSpec gpt_oss_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 201088,
                                                .hidden_size = 2880,
                                                .intermediate_size = 2880,
                                                .max_position_embeddings = 131072,
                                                .num_layers = 36,
                                                .num_heads = 64,
                                                .num_kv_heads = 8,
                                                .head_dim = 64,
                                                .rms_norm_eps = 1e-5,
                                                .one_rope = false,
                                                .attention_bias = true});
  name_parameters(spec.parameters);
  MoeSpec moe = read_experts(config, "num_local_experts", "num_experts", 128, 4);
  moe.router.choose_first = true;
  moe.router.has_bias = true;
  moe.expert = std::get<MlpSpec>(spec.layers.front().ffn);
  moe.expert.bias = true;
  moe.expert.limit = config.number("swiglu_limit", 7.0);
  moe.expert.alpha = config.number("swiglu_alpha", 1.702);
  if (!(moe.expert.limit > 0)) config.fail("config key \"swiglu_limit\" is not a positive number");

  const RopeSpec rope = read_rope(checkpoint, {.head_dim = spec.head_dim(),
                                               .max_position_embeddings = spec.max_position_embeddings,
                                               .theta = 150000,
                                               .settings = {{"rope_type", "yarn"},
                                                            {"factor", 32.0},
                                                            {"truncate", false},
                                                            {"original_max_position_embeddings", 4096}}});
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.rope = rope;
    attention.sinks = true;
    layer.ffn = moe;
  }
  set_windows(checkpoint, spec, config.size_or_null("sliding_window", 128, 1 << 30).value_or(0),
              [](int layer) { return layer % 2 == 0; });
  return spec;
}

const ArchitectureRegistration gpt_oss("GptOssForCausalLM", "gpt_oss", gpt_oss_spec);

}  // namespace
}  // namespace qkscope
