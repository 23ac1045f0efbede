// What GGUF calls things and what Hugging Face calls them (ggml-org/llama.cpp: gguf-py/gguf/constants.py,
// tensor_mapping.py, convert_hf_to_gguf.py).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/io/gguf.h"

namespace qkscope {
namespace {

using nlohmann::json;

struct Name {
  std::string_view gguf, hugging_face;
};
constexpr Name architectures[] = {{"llama", "LlamaForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"}};
constexpr Name top_names[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr Name layer_names[] = {{"attn_norm", "input_layernorm"},    {"ffn_norm", "post_attention_layernorm"},
                                {"attn_q", "self_attn.q_proj"},      {"attn_k", "self_attn.k_proj"},
                                {"attn_v", "self_attn.v_proj"},      {"attn_output", "self_attn.o_proj"},
                                {"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
                                {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
                                {"ffn_down", "mlp.down_proj"}};

// "blk.12.attn_q.weight" -> {"12", "attn_q", ".weight"}; layer is empty for a name outside the layers.
struct Parts {
  std::string_view layer, stem, suffix;
};
Parts split(std::string_view name) {
  Parts parts;
  const auto dot = name.rfind('.');
  if (dot != name.npos) parts.suffix = name.substr(dot);
  parts.stem = name.substr(0, std::min(dot, name.size()));
  if (parts.stem.starts_with("blk.")) {
    const auto end = parts.stem.find('.', 4);
    if (end == name.npos) return parts;
    parts.layer = parts.stem.substr(4, end - 4);
    parts.stem = parts.stem.substr(end + 1);
  }
  return parts;
}

// Reads the keys of one architecture ("llama.block_count" for "block_count") into config.json's.
class ConfigWriter {
 public:
  ConfigWriter(const GgufDirectory& directory, const std::string& where)
      : directory_(directory), metadata_(directory.metadata), where_(where) {
    const auto name = metadata_.string("general.architecture");
    if (!name || name->empty()) throw Error(where + " has no key 'general.architecture'");
    if (valid_utf8(*name) != *name) throw Error("general.architecture of " + where + " is not valid UTF-8");
    prefix_ = std::string(*name) + ".";
  }

  json write() {
    write_architecture();
    require_integer("block_count", "num_hidden_layers");
    require_integer("embedding_length", "hidden_size");
    require_integer("feed_forward_length", "intermediate_size");
    require_integer("context_length", "max_position_embeddings");
    require_integer("attention.head_count", "num_attention_heads");
    copy_integer("attention.head_count_kv", "num_key_value_heads");
    if (!config_.contains("num_key_value_heads") && config_.contains("num_attention_heads")) {
      config_["num_key_value_heads"] = config_["num_attention_heads"];
    }
    copy_number("attention.layer_norm_rms_epsilon", "rms_norm_eps");
    if (known_ && !config_.contains("rms_norm_eps")) missing(prefix_ + "attention.layer_norm_rms_epsilon");
    write_vocabulary();
    write_head_dim();
    write_rope();
    write_stops();
    config_["tie_word_embeddings"] = !tensor("output.weight");
    return std::move(config_);
  }

 private:
  const GgufTensor* tensor(std::string_view name) const {
    const auto found = std::find_if(directory_.tensors.begin(), directory_.tensors.end(),
                                    [&](const GgufTensor& t) { return t.name == name; });
    return found == directory_.tensors.end() ? nullptr : &*found;
  }

  void write_architecture() {
    const std::string_view gguf = std::string_view(prefix_).substr(0, prefix_.size() - 1);
    const auto* known = std::find_if(std::begin(architectures), std::end(architectures),
                                     [&](const Name& n) { return n.gguf == gguf; });
    // Unknown ones go by GGUF's own name, for the error that says what is not supported.
    std::string name(known != std::end(architectures) ? known->hugging_face : gguf);
    known_ = known != std::end(architectures);
    if (known_) config_["hidden_act"] = "silu";
    config_["model_type"] = gguf;
    if (gguf == "llama") {
      // The converter writes Mistral and Mixtral as llama; what sets them apart are these keys.
      if (metadata_.integer(prefix_ + "expert_count").value_or(0) > 0) {
        name = "MixtralForCausalLM", config_["model_type"] = "mixtral";
      } else if (const auto window = metadata_.integer(prefix_ + "attention.sliding_window");
                 window.value_or(0) > 0) {
        name = "MistralForCausalLM", config_["model_type"] = "mistral";
        config_["sliding_window"] = *window;
      }
    }
    config_["architectures"] = json::array({name});
  }

  // Some architectures have one value a layer; config.json has one for all.
  std::optional<std::int64_t> integer(const std::string& key) const {
    if (!metadata_.is_array(key)) return metadata_.integer(key);
    const auto values = *metadata_.integers(key);
    if (values.empty() ||
        std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end()) {
      throw Error("the key " + in_quotes(key) + " of " + where_ +
                  " differs from layer to layer, expected the same value for all");
    }
    return values.front();
  }
  void copy_integer(const std::string& gguf, const char* name) {
    if (const auto value = integer(prefix_ + gguf)) config_[name] = *value;
  }
  // A file says these itself: what config.json leaves out has a default, which is not meant here.
  void require_integer(const std::string& gguf, const char* name) {
    copy_integer(gguf, name);
    if (known_ && !config_.contains(name)) missing(prefix_ + gguf);
  }
  void copy_number(const std::string& gguf, const char* name) {
    if (const auto value = metadata_.number(prefix_ + gguf)) config_[name] = *value;
  }

  void write_vocabulary() {
    copy_integer("vocab_size", "vocab_size");
    const GgufTensor* embedding = tensor("token_embd.weight");
    if (!config_.contains("vocab_size") && embedding && embedding->shape.size() == 2) {
      config_["vocab_size"] = embedding->shape[0];
    }
  }

  std::optional<std::int64_t> token(const char* name) const {
    return metadata_.integer(std::string("tokenizer.ggml.") + name + "_token_id");
  }
  // The ends of a text, a turn and a message all end an answer.
  void write_stops() {
    for (const auto& [name, gguf] : {std::pair{"bos_token_id", "bos"}, {"pad_token_id", "padding"}}) {
      const auto id = token(gguf);
      config_[name] = id ? json(*id) : json();
    }
    json stops = json::array();
    for (const char* name : {"eos", "eot", "eom"}) {
      if (const auto id = token(name); id && std::find(stops.begin(), stops.end(), *id) == stops.end())
        stops.push_back(*id);
    }
    config_["eos_token_id"] = stops.empty() ? json() : stops;
  }

  // head_dim is the key's length; without one hidden_size / num_attention_heads, which is also what
  // config.json leaves unsaid.
  void write_head_dim() {
    copy_integer("attention.key_length", "head_dim");
    const std::int64_t hidden = config_.value("hidden_size", std::int64_t{0});
    const std::int64_t heads = config_.value("num_attention_heads", std::int64_t{0});
    if (!config_.contains("head_dim") && heads > 0 && hidden % heads == 0)
      config_["head_dim"] = hidden / heads;
    if (!known_ || !config_.contains("head_dim")) return;
    const std::int64_t head_dim = config_["head_dim"];
    expect("attention.value_length", head_dim, "the length of a key");
    // What llama.cpp does: llama's heads rotate whole, others in their first dimensions.
    if (prefix_ == "llama.") return expect("rope.dimension_count", head_dim, "the size of a head");
    const auto rotary_dim = integer(prefix_ + "rope.dimension_count");
    if (!rotary_dim || *rotary_dim == head_dim) return;
    if (*rotary_dim < 2 || *rotary_dim > head_dim || *rotary_dim % 2 != 0)
      wrong("rope.dimension_count", *rotary_dim, "an even number up to " + std::to_string(head_dim));
    config_["rotary_dim"] = *rotary_dim;
  }

  void expect(const std::string& key, std::int64_t value, const std::string& what) const {
    if (const auto found = integer(prefix_ + key); found && *found != value)
      wrong(key, *found, std::to_string(value) + ", " + what);
  }
  [[noreturn]] void wrong(const std::string& key, std::int64_t found, const std::string& expected) const {
    throw Error("the key " + in_quotes(prefix_ + key) + " of " + where_ + " is " + std::to_string(found) +
                ", expected " + expected);
  }

  void write_rope() {
    config_["rope_theta"] = metadata_.number(prefix_ + "rope.freq_base").value_or(10000.0);
    const std::string scaling = prefix_ + "rope.scaling.";
    // A factor without a type is one of linear scaling; "none" scales nothing whatever the factor.
    const auto said_type = metadata_.string(scaling + "type");
    const std::string type(said_type.value_or("linear"));
    auto factor = metadata_.number(scaling + "factor");
    if (!factor) factor = metadata_.number(prefix_ + "rope.scale_linear");
    if (type == "linear") {
      if (!factor && said_type) missing(scaling + "factor");
      if (factor.value_or(1) != 1) config_["rope_scaling"] = {{"rope_type", "linear"}, {"factor", *factor}};
    } else if (type == "yarn") {
      if (!factor) missing(scaling + "factor");
      write_yarn(scaling, *factor);
    } else if (type != "none") {
      throw Error("the key " + in_quotes(scaling + "type") + " of " + where_ + " is " + in_quotes(type) +
                  ", expected none, linear or yarn");
    }
  }

  void write_yarn(const std::string& scaling, double factor) {
    json rope = {{"rope_type", "yarn"}, {"factor", factor}};
    if (const auto length = metadata_.integer(scaling + "original_context_length")) {
      rope["original_max_position_embeddings"] = *length;
    }
    if (const auto beta = metadata_.number(scaling + "yarn_beta_fast")) rope["beta_fast"] = *beta;
    if (const auto beta = metadata_.number(scaling + "yarn_beta_slow")) rope["beta_slow"] = *beta;
    // GGUF's attention factors multiply the 0.1 ln(factor) + 1 of the paper, config.json's replaces it.
    auto attention = metadata_.number(scaling + "yarn_attn_factor");
    if (!attention) attention = metadata_.number(scaling + "attn_factor");
    if (attention) rope["attention_factor"] = *attention * (0.1 * std::log(factor) + 1.0);
    for (const char* key : {"yarn_ext_factor", "yarn_log_multiplier"}) {
      const double neutral = key == std::string_view("yarn_ext_factor") ? 1.0 : 0.0;
      if (const auto value = metadata_.number(scaling + key); value && *value != neutral) {
        throw Error("the key " + in_quotes(scaling + key) + " of " + where_ + " is " +
                    std::to_string(*value) + ", which config.json cannot express; expected " +
                    std::to_string(neutral));
      }
    }
    config_["rope_scaling"] = std::move(rope);
  }

  [[noreturn]] void missing(const std::string& key) const {
    throw Error(where_ + " has no key " + in_quotes(key));
  }

  const GgufDirectory& directory_;
  const GgufMetadata& metadata_;
  const std::string& where_;
  std::string prefix_;  // "llama."
  bool known_ = false;  // the architecture
  json config_ = json::object();
};

}  // namespace

json gguf_config(const GgufDirectory& directory, const std::string& where) {
  return ConfigWriter(directory, where).write();
}

std::string hugging_face_name(std::string_view gguf_name) {
  const Parts parts = split(gguf_name);
  const auto lookup = [&](const auto& names, const std::string& prefix) {
    const auto* found =
        std::find_if(std::begin(names), std::end(names), [&](const Name& n) { return n.gguf == parts.stem; });
    return found == std::end(names) ? std::string(gguf_name)
                                    : prefix + std::string(found->hugging_face) + std::string(parts.suffix);
  };
  if (parts.layer.empty()) return lookup(top_names, "");
  return lookup(layer_names, "model.layers." + std::string(parts.layer) + ".");
}

std::int64_t permuted_heads(const json& config, std::string_view gguf_name) {
  const std::string type = config.at("model_type");
  // Mistral and Mixtral are llama to the converter.
  const bool permuted = type == "llama" || type == "mistral" || type == "mixtral";
  const Parts parts = split(gguf_name);
  if (!permuted || parts.layer.empty() || (parts.stem != "attn_q" && parts.stem != "attn_k")) return 0;
  return config.value(parts.stem == "attn_q" ? "num_attention_heads" : "num_key_value_heads",
                      std::int64_t{0});
}

}  // namespace qkscope
