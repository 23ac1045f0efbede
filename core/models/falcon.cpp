// Falcon 1 and 2: Q, K and V in one matrix, KV head by KV head, one KV head for all or some for groups of
// query heads; attention and MLP side by side behind one layer norm or two, or one after the other; RoPE or
// ALiBi.
#include <bit>
#include <cmath>

#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {
namespace {

ParameterTable falcon_parameters() {
  ParameterTable table;
  table.prefixes = {"transformer.", ""};
  table.layer = "h.{layer}.";
  table.stored[Role::Embedding] = {{.name = "word_embeddings"}};
  table.stored[Role::FinalNorm] = {{.name = "ln_f"}};
  table.stored[Role::Head] = {{.name = "lm_head"}};
  table.stored[Role::MixerNorm] = {{.name = "input_layernorm"}};
  table.stored[Role::FfnNorm] = {{.name = "post_attention_layernorm"}};
  for (const Role role : {Role::Query, Role::Key, Role::Value})
    table.stored[role] = {{.name = "self_attention.query_key_value", .rows = Rows::QkvGroups}};
  table.stored[Role::AttnOut] = {{.name = "self_attention.dense"}};
  table.stored[Role::Up] = {{.name = "mlp.dense_h_to_4h"}};
  table.stored[Role::Down] = {{.name = "mlp.dense_4h_to_h"}};
  return table;
}

/// Powers of 2^(-8 / n) for the largest power of two n that there are heads for; the others get those
/// between, taken from 2^(-4 / n). (ALiBi, arXiv 2108.12409.)
std::vector<float> alibi_slopes(int num_heads) {
  const int whole = static_cast<int>(std::bit_floor(static_cast<unsigned>(num_heads)));
  const float base = std::exp2(-8.0F / static_cast<float>(whole));
  const float between = std::exp2(-4.0F / static_cast<float>(whole));
  std::vector<float> slopes;
  for (int h = 0; h < num_heads; ++h)
    slopes.push_back(h < whole ? std::pow(base, static_cast<float>(h + 1))
                               : std::pow(between, static_cast<float>(2 * (h - whole) + 1)));
  return slopes;
}

/// What config.json says of how a layer is built.
struct FalconLayout {
  bool grouped = false;     // the architecture of the 40B
  bool parallel = true;     // attention and MLP side by side
  bool multi_query = true;  // one KV head
  bool alibi = false, bias = false;
  int norms = 1;  // before attention and MLP side by side
};

FalconLayout read_layout(const Config& config) {
  const auto flag = [&](const char* key, bool absent) {  // null is as good as false
    const nlohmann::json* value = config.find(key);
    return !(value && value->is_null()) && config.flag(key, absent);
  };
  FalconLayout layout;
  layout.grouped = flag("new_decoder_architecture", false);
  layout.parallel = flag("parallel_attn", true);
  layout.multi_query = flag("multi_query", true);
  layout.alibi = flag("alibi", false);
  layout.bias = flag("bias", false);
  if (layout.grouped && !layout.parallel)
    config.fail("config key \"parallel_attn\" is false, expected true with new_decoder_architecture");
  layout.norms =
      config.size_or_null("num_ln_in_parallel_attn", {}, limits::layers).value_or(layout.grouped ? 2 : 1);
  if (layout.norms > (layout.grouped ? 2 : 1) && layout.parallel)
    config.fail("config key \"num_ln_in_parallel_attn\" is " + std::to_string(layout.norms) + ", expected " +
                (layout.grouped ? "1 or 2" : "1 without new_decoder_architecture"));
  return layout;
}

ModelSpec falcon_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  const FalconLayout layout = read_layout(config);
  ModelSpec spec = gpt_like_spec(checkpoint, falcon_parameters(),
                                 {.vocab_size = {"vocab_size", 65024},
                                  .hidden_size = {"hidden_size", 4544, "n_embed"},
                                  .num_layers = {"num_hidden_layers", 32},
                                  .num_heads = {"num_attention_heads", 71},
                                  .intermediate_size = "ffn_hidden_size",
                                  .activation = "activation",
                                  .absent_activation = "gelu"});
  AttentionSpec attention = *spec.attention(0);
  const int kv_heads = config.size_or_null("num_kv_heads", {}, limits::heads).value_or(attention.num_heads);
  if (!layout.grouped && !layout.multi_query && kv_heads != attention.num_heads)
    config.fail("config key \"num_kv_heads\" is " + std::to_string(kv_heads) + ", expected " +
                std::to_string(attention.num_heads) + " (num_attention_heads) without multi_query");
  attention.num_kv_heads = layout.multi_query && !layout.grouped ? 1 : kv_heads;
  if (layout.alibi)
    attention.alibi = {
        .slopes = alibi_slopes(attention.num_heads), .in_bfloat16 = true, .scale = attention.scale};
  else
    attention.rope = read_rope(checkpoint, {.head_dim = attention.head_dim,
                                            .max_position_embeddings = spec.max_position_embeddings});
  attention.qkv_bias = attention.out_bias = layout.bias;
  for (LayerSpec& layer : spec.layers) {
    layer.mixer = attention;
    std::get<MlpSpec>(layer.ffn).bias = layout.bias;
    if (!layout.parallel) continue;
    layer.wiring = Wiring::Parallel;
    if (layout.norms == 1) layer.ffn_norm.reset();
  }
  if (layout.parallel && layout.norms == 2) {
    spec.parameters.stored[Role::MixerNorm] = {{.name = "ln_attn"}};
    spec.parameters.stored[Role::FfnNorm] = {{.name = "ln_mlp"}};
  }
  return spec;
}

const ArchitectureRegistration falcon("FalconForCausalLM", "falcon", falcon_spec);

}  // namespace
}  // namespace qkscope
