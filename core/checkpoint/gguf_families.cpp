// Which families there are in GGUF files, and what each of them says in its own words: keys of its own, what
// llama.cpp takes for granted of it (src/models/*.cpp: load_arch_hparams) and what its converter leaves out
// (conversion/*.py).
#include "core/checkpoint/gguf_families.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/gguf_moe_families.h"

namespace qkscope {
namespace {

using nlohmann::json;

/// The key of a family that calls it something else.
void rename(json& config, const char* from, const char* to) {
  const auto found = config.find(from);
  if (found == config.end()) return;
  config[to] = std::move(*found);
  config.erase(from);
}

void set_class(json& config, const char* architecture, const char* model_type) {
  config["architectures"] = json::array({architecture});
  config["model_type"] = model_type;
}

// The converter writes Mistral and Mixtral as llama; what sets them apart are these keys.
void llama(const GgufKeys& keys, json& config) {
  if (keys.integer("expert_count", 0) > 0) {
    set_class(config, "MixtralForCausalLM", "mixtral");
    config["num_local_experts"] = keys.required("expert_count");
    config["num_experts_per_tok"] = keys.required("expert_used_count");
    config["sliding_window"] = nullptr;
  } else if (const auto window = keys.integer("attention.sliding_window"); window.value_or(0) > 0) {
    set_class(config, "MistralForCausalLM", "mistral");
    config["sliding_window"] = *window;
  }
}

// Mistral Small 3 and its successors are Mistral, Ministral 3 scales its queries, too.
void mistral3(const GgufKeys& keys, json& config) {
  config["sliding_window"] = nullptr;
  const double scale = keys.number("attention.temperature_scale", 0);
  if (scale == 0) return;
  set_class(config, "Ministral3ForCausalLM", "ministral3");
  json rope = config.value("rope_scaling", json::object());
  rope["llama_4_scaling_beta"] = scale;
  rope["rope_theta"] = config["rope_theta"];
  config.erase("rope_scaling");
  config["rope_parameters"] = std::move(rope);
}

json share_of_head(const GgufKeys& keys, const json& config) {
  const std::int64_t head_dim = config.value("head_dim", std::int64_t{1});
  return static_cast<double>(keys.integer("rope.dimension_count", head_dim)) / static_cast<double>(head_dim);
}

void phi2(const GgufKeys& keys, json& config) {
  config["hidden_act"] = "gelu_new";
  config["partial_rotary_factor"] = share_of_head(keys, config);
}

void phi3(const GgufKeys& keys, json& config) {
  config["partial_rotary_factor"] = share_of_head(keys, config);
  const std::int64_t window = keys.integer("attention.sliding_window", 0);
  config["sliding_window"] = window > 0 ? json(window) : json();
  if (const auto length = keys.integer("rope.scaling.original_context_length"))
    config["original_max_position_embeddings"] = *length;
}

json layer_types(const std::vector<bool>& sliding, const char* where = "sliding_attention",
                 const char* elsewhere = "full_attention") {
  json types = json::array();
  for (const bool slides : sliding) types.push_back(slides ? where : elsewhere);
  return types;
}

void gemma(const GgufKeys&, json& config) {
  config["hidden_act"] = config["hidden_activation"] = "gelu_pytorch_tanh";
}

// A file does not say what scores are divided by; llama.cpp knows it by the number of layers.
void scale_queries(json& config, std::int64_t layers_of_largest) {
  const bool largest = config["num_hidden_layers"] == layers_of_largest;
  const std::int64_t heads = config["num_attention_heads"];
  config["query_pre_attn_scalar"] =
      largest && heads > 0 ? json(config["hidden_size"].get<std::int64_t>() / heads) : config["head_dim"];
}

void gemma2(const GgufKeys& keys, json& config) {
  gemma(keys, config);
  scale_queries(config, 46);
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    const auto cap = keys.number(key);
    config[key] = cap && *cap > 0 ? json(*cap) : json();
  }
  config["sliding_window"] = keys.integer("attention.sliding_window", 4096);
  config["layer_types"] =
      layer_types(keys.layer_flags("attention.sliding_window_pattern", config["num_hidden_layers"], 2));
}

void gemma3(const GgufKeys& keys, json& config) {
  gemma(keys, config);
  scale_queries(config, 62);
  config["attn_logit_softcapping"] = nullptr;
  const double cap = keys.number("final_logit_softcapping", 0);
  config["final_logit_softcapping"] = cap > 0 ? json(cap) : json();
  config["rope_local_base_freq"] = keys.number("rope.freq_base_swa", 10000.0);
  const std::int64_t window = keys.integer("attention.sliding_window", 0),
                     layers = config["num_hidden_layers"];
  if (window > 0) config["sliding_window"] = window;
  config["layer_types"] = layer_types(
      window > 0 ? keys.layer_flags("attention.sliding_window_pattern", layers, 6)
                 : std::vector<bool>(keys.layer_flags("attention.sliding_window_pattern", layers, 1).size()));
}

void gpt2(const GgufKeys&, json& config) {
  for (const auto& [llama_name, own] : {std::pair{"hidden_size", "n_embd"},
                                        {"num_hidden_layers", "n_layer"},
                                        {"num_attention_heads", "n_head"},
                                        {"max_position_embeddings", "n_positions"},
                                        {"intermediate_size", "n_inner"},
                                        {"layer_norm_eps", "layer_norm_epsilon"}})
    rename(config, llama_name, own);
  config["activation_function"] = "gelu_new";
}

void gptneox(const GgufKeys& keys, json& config) {
  config["hidden_act"] = "gelu";
  config["use_parallel_residual"] = keys.flag("use_parallel_residual", true);
  config["rotary_pct"] = share_of_head(keys, config);
  config["rotary_emb_base"] = config["rope_theta"];
}

// One KV head is the first Falcon's, several are those of its successors, which have one norm or two. The
// converter takes Falcon-RW too, and does not write that ALiBi takes the place of RoPE in it.
void falcon(const GgufKeys& keys, json& config) {
  for (const char* name : {"blk.0.ffn_norm.weight", "blk.0.attn_qkv.bias"}) {
    if (keys.tensor(name))
      throw Error(keys.where() + " has the tensor " + in_quotes(name) +
                  ", which only Falcon-RW has, and does not say that its positions are ALiBi's; open the "
                  "checkpoint that it was converted from");
  }
  rename(config, "intermediate_size", "ffn_hidden_size");
  rename(config, "layer_norm_eps", "layer_norm_epsilon");
  const bool grouped = config["num_key_value_heads"] != 1;
  rename(config, "num_key_value_heads", "num_kv_heads");
  config["activation"] = "gelu";
  config["new_decoder_architecture"] = grouped;
  config["multi_query"] = config["parallel_attn"] = true;
  config["bias"] = config["alibi"] = false;
  if (grouped) config["num_ln_in_parallel_attn"] = keys.tensor("blk.0.attn_norm_2.weight") ? 2 : 1;
}

void olmo(const GgufKeys& keys, json& config) {
  const double clip = keys.number("attention.clamp_kqv", 0);
  config["clip_qkv"] = clip > 0 ? json(clip) : json();
}

void olmo2(const GgufKeys& keys, json& config) {
  const std::int64_t window = keys.integer("attention.sliding_window", 0);
  if (window <= 0) return;
  set_class(config, "Olmo3ForCausalLM", "olmo3");
  config["sliding_window"] = window;
  config["layer_types"] =
      layer_types(keys.layer_flags("attention.sliding_window_pattern", config["num_hidden_layers"], 4));
}

// llama.cpp knows no other step than that of the one model there is.
void smollm3(const GgufKeys&, json& config) {
  config["no_rope_layer_interval"] = 4;
  config["use_sliding_window"] = false;
  config["sliding_window"] = nullptr;
}

void glm4(const GgufKeys& keys, json& config) {
  config["partial_rotary_factor"] = share_of_head(keys, config);
}

constexpr GgufFamily families[] = {
    {.name = "llama",
     .architecture = "LlamaForCausalLM",
     .model_type = "llama",
     .permuted = true,
     .complete = llama},
    {.name = "mistral3",
     .architecture = "MistralForCausalLM",
     .model_type = "mistral",
     .permuted = true,
     .log_multiplier = 1,
     .complete = mistral3},
    {.name = "llama4",
     .architecture = "Llama4ForCausalLM",
     .model_type = "llama4_text",
     .complete = gguf_llama4},
    {.name = "qwen2", .architecture = "Qwen2ForCausalLM", .model_type = "qwen2"},
    {.name = "qwen2moe",
     .architecture = "Qwen2MoeForCausalLM",
     .model_type = "qwen2_moe",
     .complete = gguf_qwen2moe},
    {.name = "qwen3", .architecture = "Qwen3ForCausalLM", .model_type = "qwen3"},
    {.name = "qwen3moe",
     .architecture = "Qwen3MoeForCausalLM",
     .model_type = "qwen3_moe",
     .complete = gguf_qwen3moe},
    {.name = "qwen3next",
     .architecture = "Qwen3NextForCausalLM",
     .model_type = "qwen3_next",
     .complete = gguf_qwen3next},
    {.name = "qwen35",
     .architecture = "Qwen3_5ForCausalLM",
     .model_type = "qwen3_5_text",
     .tiled_values = true,
     .complete = gguf_qwen35},
    {.name = "qwen35moe",
     .architecture = "Qwen3_5MoeForCausalLM",
     .model_type = "qwen3_5_moe_text",
     .tiled_values = true,
     .complete = gguf_qwen35moe},
    {.name = "phi2",
     .architecture = "PhiForCausalLM",
     .model_type = "phi",
     .layer_norms = true,
     .complete = phi2},
    {.name = "phi3",
     .architecture = "Phi3ForCausalLM",
     .model_type = "phi3",
     .gate_in_up = true,
     .complete = phi3},
    {.name = "gemma", .architecture = "GemmaForCausalLM", .model_type = "gemma", .complete = gemma},
    {.name = "gemma2", .architecture = "Gemma2ForCausalLM", .model_type = "gemma2", .complete = gemma2},
    {.name = "gemma3", .architecture = "Gemma3ForCausalLM", .model_type = "gemma3_text", .complete = gemma3},
    {.name = "gemma4",
     .architecture = "Gemma4ForCausalLM",
     .model_type = "gemma4_text",
     .varies_by_layer = true,
     .own_head_dims = true,
     .complete = gguf_gemma4},
    {.name = "gpt2",
     .architecture = "GPT2LMHeadModel",
     .model_type = "gpt2",
     .layer_norms = true,
     .complete = gpt2},
    {.name = "gptneox",
     .architecture = "GPTNeoXForCausalLM",
     .model_type = "gpt_neox",
     .layer_norms = true,
     .complete = gptneox},
    {.name = "falcon",
     .architecture = "FalconForCausalLM",
     .model_type = "falcon",
     .layer_norms = true,
     .complete = falcon},
    {.name = "olmo",
     .architecture = "OlmoForCausalLM",
     .model_type = "olmo",
     .permuted = true,
     .layer_norms = true,
     .complete = olmo},
    {.name = "olmo2", .architecture = "Olmo2ForCausalLM", .model_type = "olmo2", .complete = olmo2},
    {.name = "smollm3",
     .architecture = "SmolLM3ForCausalLM",
     .model_type = "smollm3",
     .permuted = true,
     .complete = smollm3},
    {.name = "glm4",
     .architecture = "Glm4ForCausalLM",
     .model_type = "glm4",
     .gate_in_up = true,
     .complete = glm4},
    {.name = "glm4moe",
     .architecture = "Glm4MoeForCausalLM",
     .model_type = "glm4_moe",
     .complete = gguf_glm4moe},
    {.name = "deepseek2",
     .architecture = "DeepseekV3ForCausalLM",
     .model_type = "deepseek_v3",
     .own_head_dims = true,
     .log_multiplier = 10,
     .complete = gguf_deepseek2},
    {.name = "gpt-oss",
     .architecture = "GptOssForCausalLM",
     .model_type = "gpt_oss",
     .complete = gguf_gpt_oss},
    {.name = "jamba",
     .architecture = "JambaForCausalLM",
     .model_type = "jamba",
     .varies_by_layer = true,
     .complete = gguf_jamba},
};

}  // namespace

const GgufFamily* gguf_family(std::string_view architecture) {
  const auto* found = std::ranges::find(families, architecture, &GgufFamily::name);
  return found == std::end(families) ? nullptr : found;
}

const GgufFamily* gguf_family(const GgufMetadata& metadata) {
  return gguf_family(metadata.string("general.architecture").value_or(""));
}

}  // namespace qkscope
