// A GGUF file's keys in config.json's words: what all families have in common.
#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/gguf_families.h"

namespace qkscope {
namespace {

using nlohmann::json;

class ConfigWriter {
 public:
  ConfigWriter(const GgufDirectory& directory, const std::string& where)
      : keys_(directory, where), family_(gguf_family(keys_.architecture())) {}

  json write() {
    write_sizes();
    write_vocabulary();
    write_head_dim();
    write_gguf_rope(keys_, config_);
    write_stops();
    config_["tie_word_embeddings"] = !keys_.tensor("output.weight");
    // Unknown ones go by GGUF's own name, for the error that says what is not supported.
    config_["architectures"] = json::array({family_ ? family_->architecture : keys_.architecture()});
    config_["model_type"] = family_ ? family_->model_type : keys_.architecture();
    if (family_) config_["hidden_act"] = "silu";
    if (family_ && family_->complete) family_->complete(keys_, config_);
    return std::move(config_);
  }

 private:
  void write_sizes() {
    require("block_count", "num_hidden_layers");
    // Layers that guess further tokens stand behind the model's own.
    if (const auto more = keys_.integer("nextn_predict_layers", 0); more > 0 && family_)
      config_["num_hidden_layers"] = keys_.required("block_count") - more;
    require("embedding_length", "hidden_size");
    require("context_length", "max_position_embeddings");
    write_of_layers("feed_forward_length", "intermediate_size");
    write_of_layers("attention.head_count", "num_attention_heads");
    write_of_layers("attention.head_count_kv", "num_key_value_heads");
    if (!config_.contains("num_key_value_heads") && config_.contains("num_attention_heads"))
      config_["num_key_value_heads"] = config_["num_attention_heads"];
    const bool layer_norms = family_ && family_->layer_norms;
    const char* eps = layer_norms ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    if (const auto value = keys_.number(eps))
      config_[layer_norms ? "layer_norm_eps" : "rms_norm_eps"] = *value;
    else if (family_)
      keys_.missing(eps);
  }

  // A file says these itself: what config.json leaves out has a default, which is not meant here.
  void require(const char* gguf, const char* name) {
    if (const auto value = keys_.integer(gguf))
      config_[name] = *value;
    else if (family_)
      keys_.missing(gguf);
  }

  // Some families have one value a layer and say in their own words what that means.
  void write_of_layers(const char* gguf, const char* name) {
    const auto values = keys_.per_layer(gguf, config_.value("num_hidden_layers", std::int64_t{0}));
    const bool same = std::ranges::adjacent_find(values, std::not_equal_to<>()) == values.end();
    if (family_ && family_->varies_by_layer && !values.empty() && !same) {
      config_[name] = *std::ranges::max_element(values);
    } else if (gguf == std::string_view("attention.head_count_kv")) {
      if (const auto value = keys_.integer(gguf)) config_[name] = *value;
    } else {
      require(gguf, name);
    }
  }

  void write_vocabulary() {
    const GgufTensor* embedding = keys_.tensor("token_embd.weight");
    if (const auto size = keys_.integer("vocab_size"))
      config_["vocab_size"] = *size;
    else if (embedding && embedding->shape.size() == 2)
      config_["vocab_size"] = embedding->shape[0];
  }

  // head_dim is the key's length; without one hidden_size / num_attention_heads, which is also what
  // config.json leaves unsaid.
  void write_head_dim() {
    if (const auto length = keys_.integer("attention.key_length")) config_["head_dim"] = *length;
    const std::int64_t hidden = config_.value("hidden_size", std::int64_t{0});
    const std::int64_t heads = config_.value("num_attention_heads", std::int64_t{0});
    if (!config_.contains("head_dim") && heads > 0 && hidden % heads == 0)
      config_["head_dim"] = hidden / heads;
    if (!family_ || family_->own_head_dims || !config_.contains("head_dim")) return;
    const std::int64_t head_dim = config_["head_dim"];
    expect("attention.value_length", head_dim, "the length of a key");
    // What llama.cpp does: llama's heads rotate whole, others in their first dimensions.
    if (keys_.architecture() == "llama")
      return expect("rope.dimension_count", head_dim, "the size of a head");
    const auto rotary_dim = keys_.integer("rope.dimension_count");
    if (!rotary_dim || *rotary_dim == head_dim) return;
    if (*rotary_dim < 2 || *rotary_dim > head_dim || *rotary_dim % 2 != 0)
      keys_.wrong("rope.dimension_count", std::to_string(*rotary_dim),
                  "an even number up to " + std::to_string(head_dim));
    config_["rotary_dim"] = *rotary_dim;
  }
  void expect(const char* key, std::int64_t value, const std::string& what) const {
    if (const auto found = keys_.integer(key); found && *found != value)
      keys_.wrong(key, std::to_string(*found), std::to_string(value) + ", " + what);
  }

  std::optional<std::int64_t> token(const char* name) const {
    return keys_.directory().metadata.integer(std::string("tokenizer.ggml.") + name + "_token_id");
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

  GgufKeys keys_;
  const GgufFamily* family_;  // null: an architecture that is not known
  json config_ = json::object();
};

}  // namespace

json gguf_config(const GgufDirectory& directory, const std::string& where) {
  return ConfigWriter(directory, where).write();
}

// ------------------------------------------------------------------------------------------------------ RoPE

namespace {

void write_yarn(const GgufKeys& keys, double factor, json& config) {
  json rope = {{"rope_type", "yarn"}, {"factor", factor}};
  if (const auto length = keys.integer("rope.scaling.original_context_length"))
    rope["original_max_position_embeddings"] = *length;
  if (const auto beta = keys.number("rope.scaling.yarn_beta_fast")) rope["beta_fast"] = *beta;
  if (const auto beta = keys.number("rope.scaling.yarn_beta_slow")) rope["beta_slow"] = *beta;
  // GGUF's attention factors multiply the 0.1 ln(factor) + 1 of the paper, config.json's replaces it.
  auto attention = keys.number("rope.scaling.yarn_attn_factor");
  if (!attention) attention = keys.number("rope.scaling.attn_factor");
  if (attention) rope["attention_factor"] = *attention * (0.1 * std::log(factor) + 1.0);
  const auto neutral = [&](const char* key, double value) {
    if (keys.number(key, value) != value)
      keys.wrong(key, number_text(*keys.number(key)),
                 number_text(value) + "; config.json cannot express another");
  };
  neutral("rope.scaling.yarn_ext_factor", 1);
  const GgufFamily* family = gguf_family(keys.architecture());
  if (!family || family->log_multiplier == 0) {
    neutral("rope.scaling.yarn_log_multiplier", 0);
  } else if (const auto multiplier = keys.number("rope.scaling.yarn_log_multiplier")) {
    // It stands for both, whose quotient scales the rotation and whose second the scores.
    rope["mscale"] = rope["mscale_all_dim"] = *multiplier * family->log_multiplier;
  }
  config["rope_scaling"] = std::move(rope);
}

// The factors are tensors, one a pair.
void write_longrope(const GgufKeys& keys, json& config) {
  json rope = {{"rope_type", "longrope"}};
  for (const auto& [tensor, name] : {std::pair{"rope_factors_long.weight", "long_factor"},
                                     std::pair{"rope_factors_short.weight", "short_factor"}}) {
    const std::vector<float> factors = keys.numbers_of(tensor);
    if (factors.empty()) throw Error(keys.where() + " has no tensor " + in_quotes(tensor) + " for its RoPE");
    rope[name] = factors;
  }
  if (const auto length = keys.integer("rope.scaling.original_context_length"))
    rope["original_max_position_embeddings"] = *length;
  if (const auto factor = keys.number("rope.scaling.attn_factor")) rope["attention_factor"] = *factor;
  config["rope_scaling"] = std::move(rope);
}

}  // namespace

void write_gguf_rope(const GgufKeys& keys, json& config) {
  config["rope_theta"] = keys.number("rope.freq_base", 10000.0);
  // A factor without a type is one of linear scaling; "none" scales nothing whatever the factor.
  const auto said_type = keys.text("rope.scaling.type");
  const std::string type(said_type.value_or("linear"));
  auto factor = keys.number("rope.scaling.factor");
  if (!factor) factor = keys.number("rope.scale_linear");
  if (type == "longrope" || (!said_type && keys.tensor("rope_factors_long.weight")))
    return write_longrope(keys, config);
  if ((type == "yarn" || (type == "linear" && said_type)) && !factor) keys.missing("rope.scaling.factor");
  if (type == "yarn") return write_yarn(keys, *factor, config);
  if (type == "linear") {
    if (factor.value_or(1) != 1) config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", *factor}};
  } else if (type != "none") {
    keys.wrong("rope.scaling.type", in_quotes(type), "none, linear, yarn or longrope");
  }
}

}  // namespace qkscope
