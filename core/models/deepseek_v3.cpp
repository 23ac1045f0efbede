// DeepSeek-V3 and R1, and GLM-4.7 Flash: K and V are made from a latent a position, one rotary key serves all
// heads, and experts are chosen with a correction and within groups.
#include <cmath>

#include "core/model/architecture.h"
#include "core/model/experts.h"

namespace qkscope {
namespace {

struct LatentDefaults {
  int kv_rank, rope_dim, nope_dim, value_dim;
  std::optional<int> q_rank;
};

/// YaRN's factor on the scores, which this family has beside the one on the rotation.
double score_factor(const RopeSpec& rope) {
  const double weight = rope.mscale_all_dim.value_or(0);
  if (rope.type == "default" || weight == 0 || rope.factor <= 1) return 1;
  const double m = 0.1 * weight * std::log(rope.factor) + 1;
  return m * m;
}

void name_parameters(ParameterTable& table) {
  const auto name = [&](Role role, const char* stored) { table.stored[role] = {{.name = stored}}; };
  table.stored[Role::Query] = {{.name = "self_attn.q_b_proj"}, {.name = "self_attn.q_proj"}};
  name(Role::QueryDown, "self_attn.q_a_proj");
  name(Role::QueryDownNorm, "self_attn.q_a_layernorm");
  name(Role::KvDown, "self_attn.kv_a_proj_with_mqa");
  name(Role::KvDownNorm, "self_attn.kv_a_layernorm");
  name(Role::KvUp, "self_attn.kv_b_proj");
}

void put_latents(const Checkpoint& checkpoint, ModelSpec& spec, const LatentDefaults& defaults) {
  const Config config(checkpoint);
  name_parameters(spec.parameters);
  LatentSpec latent;
  latent.q_rank = config.size_or_null("q_lora_rank", defaults.q_rank, limits::hidden).value_or(0);
  latent.kv_rank = config.size("kv_lora_rank", defaults.kv_rank, limits::hidden);
  latent.rope_dim = config.size("qk_rope_head_dim", defaults.rope_dim, limits::head_dim);
  const int nope = config.size("qk_nope_head_dim", defaults.nope_dim, limits::head_dim);
  latent.q_norm = latent.kv_norm = NormSpec{.eps = 1e-6};  // whatever rms_norm_eps is

  AttentionSpec attention = std::get<AttentionSpec>(spec.layers.front().mixer);
  if (const auto* groups = config.find("num_key_value_heads");
      groups && !groups->is_null() && attention.num_kv_heads != attention.num_heads) {
    config.fail("config key \"num_key_value_heads\" is " + std::to_string(attention.num_kv_heads) +
                ", expected as many as num_attention_heads, " + std::to_string(attention.num_heads) +
                ": every head has a key of its own");
  }
  attention.num_kv_heads = attention.num_heads;
  attention.head_dim = nope + latent.rope_dim;
  attention.value_dim = config.size("v_head_dim", defaults.value_dim, limits::head_dim);
  attention.out_bias = config.flag("attention_bias", false);
  const nlohmann::json* interleaved = config.find("rope_interleave");
  RopeSpec rope = read_rope(checkpoint, {.head_dim = latent.rope_dim,
                                         .max_position_embeddings = spec.max_position_embeddings,
                                         .interleaved = !(interleaved && interleaved->is_null()) &&
                                                        config.flag("rope_interleave", true)});
  rope.rotary_start = nope;
  attention.scale = score_factor(rope) / std::sqrt(static_cast<double>(attention.head_dim));
  attention.rope = rope;
  attention.latent = latent;
  for (LayerSpec& layer : spec.layers) layer.mixer = attention;
}

ModelSpec deepseek_v3_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 129280,
                                                .hidden_size = 7168,
                                                .intermediate_size = 18432,
                                                .max_position_embeddings = 4096,
                                                .num_layers = 61,
                                                .num_heads = 128,
                                                .one_rope = false});
  put_latents(checkpoint, spec,
              {.kv_rank = 512, .rope_dim = 64, .nope_dim = 128, .value_dim = 128, .q_rank = 1536});
  put_corrected_experts(config, spec,
                        {.num_experts = 256,
                         .top_k = 8,
                         .intermediate_size = 2048,
                         .scale = 2.5,
                         .num_groups = 8,
                         .top_groups = 4,
                         .dense_layers = 3});
  return spec;
}

ModelSpec glm4_moe_lite_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  ModelSpec spec = llama_like_spec(checkpoint, {.vocab_size = 154880,
                                                .hidden_size = 2048,
                                                .intermediate_size = 10240,
                                                .max_position_embeddings = 202752,
                                                .num_layers = 47,
                                                .num_heads = 20,
                                                .rms_norm_eps = 1e-5,
                                                .one_rope = false});
  put_latents(checkpoint, spec,
              {.kv_rank = 512, .rope_dim = 64, .nope_dim = 192, .value_dim = 256, .q_rank = 768});
  put_corrected_experts(
      config, spec, {.num_experts = 64, .top_k = 4, .intermediate_size = 1536, .scale = 1.8, .listed = true});
  return spec;
}

const ArchitectureRegistration deepseek_v3("DeepseekV3ForCausalLM", "deepseek_v3", deepseek_v3_spec);
const ArchitectureRegistration glm4_moe_lite("Glm4MoeLiteForCausalLM", "glm4_moe_lite", glm4_moe_lite_spec);

}  // namespace
}  // namespace qkscope
