#include "core/checkpoint/gguf_moe_families.h"

#include <algorithm>

#include "core/base/error.h"

namespace qkscope {

using nlohmann::json;

namespace {

std::int64_t layers_of(const json& config) {
  return config.value("num_hidden_layers", std::int64_t{0});
}

void copy(const GgufKeys& keys, const char* key, json& config, const char* name) {
  if (const auto value = keys.integer(key)) config[name] = *value;
}

/// The keys that all mixtures of experts share.
void experts(const GgufKeys& keys, json& config, const char* count) {
  config[count] = keys.required("expert_count");
  config["num_experts_per_tok"] = keys.required("expert_used_count");
  config["moe_intermediate_size"] = keys.required("expert_feed_forward_length");
}

json types_of(const std::vector<bool>& layers, const char* where_true, const char* where_false) {
  json types = json::array();
  for (const bool layer : layers) types.push_back(layer ? where_true : where_false);
  return types;
}

/// Of the layers that `holds` is true of, each `period` one from `offset` on. Throws Error where they stand
/// otherwise, or only where `offset` tells nothing of a period, in which case it is that of no further one.
void write_period(const GgufKeys& keys, const std::vector<bool>& holds, const std::string& name,
                  json& config) {
  const auto count = static_cast<std::int64_t>(holds.size());
  const auto first = std::ranges::find(holds, true) - holds.begin();
  const auto second = std::find(holds.begin() + std::min<std::int64_t>(first + 1, count), holds.end(), true);
  const std::int64_t period =
      second == holds.end() ? std::max<std::int64_t>(count, 1) : second - holds.begin() - first;
  for (std::int64_t l = 0; l < count; ++l) {
    if (holds[static_cast<std::size_t>(l)] != (l >= first && (l - first) % period == 0))
      throw Error("the layers of " + keys.where() + " stand in no regular order, expected every " +
                  std::to_string(period) + "th from layer " + std::to_string(first) +
                  " on to be of one kind");
  }
  config[name + "_period"] = period;
  config[name + "_offset"] = std::min(first, period - 1);
}

}  // namespace

// The length of a chunk and the scale of queries stand in no file; llama.cpp takes those of the models there
// are.
void gguf_llama4(const GgufKeys& keys, json& config) {
  const std::int64_t layers = layers_of(config), count = keys.required("expert_count");
  config["num_local_experts"] = count;
  config["num_experts_per_tok"] = keys.required("expert_used_count");
  config["intermediate_size_mlp"] = config["intermediate_size"];
  config["intermediate_size"] = keys.required("expert_feed_forward_length");
  config["interleave_moe_layer_step"] = keys.required("interleave_moe_layer_step");
  config["use_qk_norm"] = count != 128;
  const bool whole = keys.integer("attention.sliding_window") == 0;  // neither chunks nor layers without RoPE
  const std::vector<bool> chunked = whole ? std::vector<bool>(static_cast<std::size_t>(layers), false)
                                          : keys.layer_flags("attention.sliding_window_pattern", layers, 4);
  config["attention_chunk_size"] = config["floor_scale"] = 8192;
  config["attn_scale"] = 0.1;
  config["attn_temperature_tuning"] = !whole;
  config["layer_types"] = types_of(chunked, "chunked_attention", "full_attention");
  json rotates = json::array();
  for (std::int64_t l = 0; l < layers; ++l) rotates.push_back(whole || (l + 1) % 4 != 0 ? 1 : 0);
  config["no_rope_layers"] = std::move(rotates);
}

void gguf_qwen2moe(const GgufKeys& keys, json& config) {
  experts(keys, config, "num_experts");
  config["shared_expert_intermediate_size"] = keys.required("expert_shared_feed_forward_length");
  config["norm_topk_prob"] = false;
  config["decoder_sparse_step"] = 1;
}

void gguf_qwen3moe(const GgufKeys& keys, json& config) {
  experts(keys, config, "num_experts");
  config["norm_topk_prob"] = true;
  config["decoder_sparse_step"] = 1;
  // Layers without experts are listed.
  config["mlp_only_layers"] = json::array();
  for (std::int64_t l = 0; l < layers_of(config); ++l) {
    if (!keys.tensor("blk." + std::to_string(l) + ".ffn_gate_inp.weight"))
      config["mlp_only_layers"].push_back(l);
  }
}

void gguf_qwen35(const GgufKeys& keys, json& config) {
  const std::int64_t layers = layers_of(config);
  const char* key =
      keys.has("attention.recurrent_layers") ? "attention.recurrent_layers" : "full_attention_interval";
  config["layer_types"] = types_of(keys.layer_flags(key, layers, 4), "linear_attention", "full_attention");
  config["linear_conv_kernel_dim"] = keys.required("ssm.conv_kernel");
  config["linear_key_head_dim"] = keys.required("ssm.state_size");
  config["linear_num_key_heads"] = keys.required("ssm.group_count");
  const std::int64_t heads = keys.required("ssm.time_step_rank"), inner = keys.required("ssm.inner_size");
  if (heads <= 0 || inner % heads != 0)
    keys.wrong("ssm.inner_size", std::to_string(inner), "a multiple of " + std::to_string(heads) + " heads");
  config["linear_num_value_heads"] = heads;
  config["linear_value_head_dim"] = inner / heads;
  const double head_dim = config.value("head_dim", 1.0);
  config["partial_rotary_factor"] =
      static_cast<double>(keys.integer("rope.dimension_count", static_cast<std::int64_t>(head_dim))) /
      head_dim;
}

void gguf_qwen35moe(const GgufKeys& keys, json& config) {
  gguf_qwen35(keys, config);
  experts(keys, config, "num_experts");
  config["shared_expert_intermediate_size"] = keys.required("expert_shared_feed_forward_length");
  config["norm_topk_prob"] = true;
}

void gguf_qwen3next(const GgufKeys& keys, json& config) {
  gguf_qwen35moe(keys, config);
  config["decoder_sparse_step"] = 1;
  config["mlp_only_layers"] = json::array();
}

void gguf_gemma4(const GgufKeys& keys, json& config) {
  const std::int64_t layers = layers_of(config), shared = keys.integer("attention.shared_kv_layers", 0);
  const std::vector<bool> slides = keys.layer_flags("attention.sliding_window_pattern", layers, 6);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["layer_types"] = types_of(slides, "sliding_attention", "full_attention");
  config["sliding_window"] = keys.required("attention.sliding_window");
  config["global_head_dim"] = keys.required("attention.key_length");
  config["head_dim"] = keys.integer("attention.key_length_swa", keys.required("attention.key_length"));
  config["num_kv_shared_layers"] = shared;
  config["hidden_size_per_layer_input"] = keys.integer("embedding_length_per_layer_input", 0);
  config["vocab_size_per_layer_input"] = config["vocab_size"];
  const double cap = keys.number("final_logit_softcapping", 0);
  config["final_logit_softcapping"] = cap > 0 ? json(cap) : json();
  // rope_freqs.weight holds still the pairs that do not rotate.
  const double theta = config["rope_theta"];
  config.erase("rope_theta");
  config["rope_parameters"] = {
      {"full_attention", {{"rope_type", "default"}, {"rope_theta", theta}}},
      {"sliding_attention",
       {{"rope_type", "default"}, {"rope_theta", keys.number("rope.freq_base_swa", 10000.0)}}}};
  bool keys_alone = false;
  std::int64_t of_sliding = config["num_key_value_heads"], of_full = config["num_key_value_heads"];
  const auto kv_heads = keys.per_layer("attention.head_count_kv", layers);
  const auto hidden = keys.per_layer("feed_forward_length", layers);
  for (std::size_t l = 0; l < slides.size(); ++l) {
    if (l < kv_heads.size()) (slides[l] ? of_sliding : of_full) = kv_heads[l];
    const bool own = static_cast<std::int64_t>(l) < layers - shared;
    const std::string layer = "blk." + std::to_string(l);
    if (!slides[l] && own && keys.tensor(layer + ".attn_k.weight") && !keys.tensor(layer + ".attn_v.weight"))
      keys_alone = true;
  }
  config["num_key_value_heads"] = of_sliding;
  config["num_global_key_value_heads"] = of_full == of_sliding ? json() : json(of_full);
  config["attention_k_eq_v"] = keys_alone;
  if (!hidden.empty()) {
    config["intermediate_size"] = hidden.front();
    config["use_double_wide_mlp"] = hidden.back() != hidden.front();
  }
  const bool mixed = keys.integer("expert_count", 0) > 0;
  config["enable_moe_block"] = mixed;
  if (!mixed) return;
  experts(keys, config, "num_experts");
  config["top_k_experts"] = config["num_experts_per_tok"];
}

namespace {

/// DeepSeek's words for experts, which GLM shares.
void deepseek_experts(const GgufKeys& keys, json& config, bool normalizes) {
  experts(keys, config, "n_routed_experts");
  config["n_shared_experts"] = keys.integer("expert_shared_count", 0);
  // The converter of some models leaves it at 0: the tensors know it.
  std::int64_t dense = 0;
  while (dense < layers_of(config) && keys.tensor("blk." + std::to_string(dense) + ".ffn_gate.weight"))
    ++dense;
  config["first_k_dense_replace"] = dense > 0 ? dense : keys.integer("leading_dense_block_count", 0);
  config["routed_scaling_factor"] = keys.number("expert_weights_scale", 1.0);
  config["norm_topk_prob"] = keys.flag("expert_weights_norm", normalizes);
  config["n_group"] = config["topk_group"] = 1;
  copy(keys, "expert_group_count", config, "n_group");
  copy(keys, "expert_group_used_count", config, "topk_group");
}

}  // namespace

void gguf_glm4moe(const GgufKeys& keys, json& config) {
  deepseek_experts(keys, config, false);
  config["use_qk_norm"] = keys.tensor("blk.0.attn_q_norm.weight") != nullptr;
  config["partial_rotary_factor"] =
      config.value("rotary_dim", config.value("head_dim", 1.0)) / config.value("head_dim", 1.0);
}

// Each head's Q and K are key_length_mla long, of which the last rope.dimension_count rotate, and V is
// value_length_mla; files from before these keys were there say it in key_length and value_length.
void gguf_deepseek2(const GgufKeys& keys, json& config) {
  constexpr std::int64_t softmax = 1, sigmoid = 2;
  // Some files do not say how scores are made; corrections of them are learned where a sigmoid makes them.
  const bool corrected = std::ranges::any_of(keys.directory().tensors, [](const GgufTensor& tensor) {
    return tensor.name.find(".exp_probs_b") != std::string::npos;
  });
  if (keys.integer("expert_gating_func", corrected ? sigmoid : softmax) != sigmoid) {
    config["architectures"] = json::array({"DeepseekV2ForCausalLM"});
    config["model_type"] = "deepseek_v2";
  }
  deepseek_experts(keys, config, false);
  config["num_key_value_heads"] = config["num_attention_heads"];
  config["kv_lora_rank"] = keys.required("attention.kv_lora_rank");
  const auto q_rank = keys.integer("attention.q_lora_rank");
  config["q_lora_rank"] = q_rank ? json(*q_rank) : json();
  const bool split = keys.has("attention.key_length_mla");
  const std::int64_t rope_dim = keys.required("rope.dimension_count");
  const std::int64_t length = keys.required(split ? "attention.key_length_mla" : "attention.key_length");
  if (rope_dim >= length)
    keys.wrong("rope.dimension_count", std::to_string(rope_dim), "less than " + std::to_string(length));
  config["qk_rope_head_dim"] = config["head_dim"] = rope_dim;
  config["qk_nope_head_dim"] = length - rope_dim;
  config["v_head_dim"] = keys.required(split ? "attention.value_length_mla" : "attention.value_length");
  config["rope_interleave"] = true;
}

// The corrections of its yarn are not rounded, and its clamp is a constant (transformers: GptOssConfig).
void gguf_gpt_oss(const GgufKeys& keys, json& config) {
  config["num_local_experts"] = keys.required("expert_count");
  config["num_experts_per_tok"] = keys.required("expert_used_count");
  config["intermediate_size"] = keys.required("expert_feed_forward_length");
  config["sliding_window"] = keys.required("attention.sliding_window");
  config["layer_types"] = types_of(keys.layer_flags("attention.sliding_window_pattern", layers_of(config), 2),
                                   "sliding_attention", "full_attention");
  if (const auto rope = config.find("rope_scaling"); rope != config.end()) (*rope)["truncate"] = false;
}

// A layer without KV heads is one of Mamba.
void gguf_jamba(const GgufKeys& keys, json& config) {
  const std::int64_t layers = layers_of(config);
  std::vector<bool> attention, mixed;
  for (const std::int64_t heads : keys.per_layer("attention.head_count_kv", layers))
    attention.push_back(heads > 0);
  for (std::int64_t l = 0; l < layers && l < static_cast<std::int64_t>(attention.size()); ++l)
    mixed.push_back(keys.tensor("blk." + std::to_string(l) + ".ffn_gate_inp.weight") != nullptr);
  write_period(keys, attention, "attn_layer", config);
  write_period(keys, mixed, "expert_layer", config);
  copy(keys, "expert_count", config, "num_experts");
  copy(keys, "expert_used_count", config, "num_experts_per_tok");
  config["mamba_d_conv"] = keys.required("ssm.conv_kernel");
  config["mamba_d_state"] = keys.required("ssm.state_size");
  config["mamba_dt_rank"] = keys.required("ssm.time_step_rank");
  const std::int64_t inner = keys.required("ssm.inner_size"), hidden = config["hidden_size"];
  if (hidden <= 0 || inner % hidden != 0)
    keys.wrong("ssm.inner_size", std::to_string(inner), "a multiple of " + std::to_string(hidden));
  config["mamba_expand"] = inner / hidden;
}

}  // namespace qkscope
