// What GGUF calls tensors and what Hugging Face calls them (ggml-org/llama.cpp: gguf-py/gguf/constants.py,
// tensor_mapping.py, conversion/). Where families differ, one name stands for all: Llama's where it has one.
#include <algorithm>

#include "core/checkpoint/gguf_families.h"

namespace qkscope {
namespace {

struct Name {
  std::string_view gguf, hugging_face;
};
constexpr Name top_names[] = {{"token_embd", "model.embed_tokens"},
                              {"token_embd_norm", "model.embed_layernorm"},
                              {"position_embd", "model.embed_positions"},
                              {"output_norm", "model.norm"},
                              {"output", "lm_head"},
                              {"per_layer_token_embd", "model.embed_tokens_per_layer"},
                              {"per_layer_model_proj", "model.per_layer_model_projection"},
                              {"per_layer_proj_norm", "model.per_layer_projection_norm"}};
// clang-format off
constexpr Name layer_names[] = {
    {"attn_norm", "input_layernorm"}, {"attn_norm_2", "self_attn_layernorm"},
    {"post_attention_norm", "post_self_attn_layernorm"},
    {"ffn_norm", "post_attention_layernorm"}, {"post_ffw_norm", "post_mlp_layernorm"},
    {"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"}, {"attn_v", "self_attn.v_proj"},
    {"attn_qkv", "self_attn.qkv_proj"}, {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
    {"attn_sinks", "self_attn.sinks"}, {"attn_gate", "linear_attn.in_proj_z"},
    {"attn_q_a", "self_attn.q_a_proj"}, {"attn_q_a_norm", "self_attn.q_a_layernorm"},
    {"attn_q_b", "self_attn.q_b_proj"}, {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
    {"attn_kv_a_norm", "self_attn.kv_a_layernorm"}, {"attn_kv_b", "self_attn.kv_b_proj"},
    {"attn_k_b", "self_attn.k_b_proj"}, {"attn_v_b", "self_attn.v_b_proj"},
    {"ffn_gate", "mlp.gate_proj"}, {"ffn_up", "mlp.up_proj"}, {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "mlp.gate"}, {"exp_probs_b", "mlp.gate.e_score_correction"},
    {"ffn_gate_exps", "mlp.experts.gate_proj"}, {"ffn_up_exps", "mlp.experts.up_proj"},
    {"ffn_down_exps", "mlp.experts.down_proj"}, {"ffn_gate_up_exps", "mlp.experts.gate_up_proj"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"}, {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"}, {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
    {"pre_ffw_norm_2", "pre_feedforward_layernorm_2"}, {"post_ffw_norm_1", "post_feedforward_layernorm_1"},
    {"post_ffw_norm_2", "post_feedforward_layernorm_2"},
    {"inp_gate", "per_layer_input_gate"}, {"proj", "per_layer_projection"},
    {"post_norm", "post_per_layer_input_norm"}, {"layer_output_scale", "layer_scalar"},
    {"ssm_in", "ssm.in_proj"}, {"ssm_conv1d", "ssm.conv1d"}, {"ssm_x", "ssm.x_proj"},
    {"ssm_dt", "ssm.dt_proj"}, {"ssm_dt_norm", "ssm.dt_layernorm"}, {"ssm_b_norm", "ssm.b_layernorm"},
    {"ssm_c_norm", "ssm.c_layernorm"}, {"ssm_a", "ssm.A"}, {"ssm_d", "ssm.D"}, {"ssm_norm", "ssm.norm"},
    {"ssm_out", "ssm.out_proj"}, {"ssm_alpha", "ssm.in_proj_a"}, {"ssm_beta", "ssm.in_proj_b"},
    {"ssm_ba", "ssm.in_proj_ba"}};
// clang-format on

// "blk.12.attn_q.weight" -> {"12", "attn_q", ".weight"}; layer is empty for a name outside the layers.
struct Parts {
  std::string_view layer, stem, suffix;
};
Parts split(std::string_view name) {
  Parts parts{{}, name, {}};
  if (name.starts_with("blk.")) {
    const auto end = name.find('.', 4);
    if (end == name.npos) return parts;
    parts.layer = name.substr(4, end - 4);
    parts.stem = name.substr(end + 1);
  }
  // Constants like ssm_a have no suffix.
  if (const auto dot = parts.stem.rfind('.'); dot != parts.stem.npos) {
    parts.suffix = parts.stem.substr(dot);
    parts.stem = parts.stem.substr(0, dot);
  }
  return parts;
}

/// "ffn_up.3", an expert of its own in files from before there were stacks of them: the stem of the stack and
/// "3"; else the stem alone.
std::pair<std::string, std::string_view> split_expert(std::string_view stem) {
  const auto dot = stem.find('.');
  const std::string_view number = dot == stem.npos ? "" : stem.substr(dot + 1);
  const bool digits = !number.empty() && number.find_first_not_of("0123456789") == number.npos;
  const std::string_view one = digits ? stem.substr(0, dot) : "";
  if (one != "ffn_gate" && one != "ffn_up" && one != "ffn_down") return {std::string(stem), {}};
  return {std::string(one) + "_exps", number};
}

}  // namespace

std::string hugging_face_name(std::string_view gguf_name, const GgufFamily* family) {
  const Parts parts = split(gguf_name);
  const auto split_stem = split_expert(parts.stem);
  const std::string& stem = split_stem.first;
  const std::string_view expert = split_stem.second;
  const auto lookup = [&](const auto& names, const std::string& prefix) {
    const auto* found =
        std::find_if(std::begin(names), std::end(names), [&](const Name& n) { return n.gguf == stem; });
    if (found == std::end(names)) return std::string(gguf_name);
    const bool fused = found->gguf == "ffn_up" && family && family->gate_in_up;
    std::string name(fused ? "mlp.gate_up_proj" : found->hugging_face);
    if (!expert.empty()) name.insert(name.rfind('.'), "." + std::string(expert));
    return prefix + name + std::string(parts.suffix);
  };
  if (parts.layer.empty()) return lookup(top_names, "");
  return lookup(layer_names, "model.layers." + std::string(parts.layer) + ".");
}

std::int64_t permuted_heads(std::string_view gguf_name, const GgufFamily* family,
                            const nlohmann::json& config) {
  const Parts parts = split(gguf_name);
  if (!family || !family->permuted || parts.layer.empty()) return 0;
  if (parts.stem != "attn_q" && parts.stem != "attn_k") return 0;
  return config.value(parts.stem == "attn_q" ? "num_attention_heads" : "num_key_value_heads",
                      std::int64_t{0});
}

}  // namespace qkscope
