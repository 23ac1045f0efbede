// The RoPE settings of a config.json: which of the places that models write them to counts, and what each key
// means. As transformers does (modeling_rope_utils.py: RotaryEmbeddingConfigMixin), key by key.
#include <algorithm>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/architecture.h"
#include "core/model/config.h"
#include "core/model/rope.h"

namespace qkscope {
namespace {

using nlohmann::json;

class RopeReader {
 public:
  RopeReader(const Checkpoint& checkpoint, const RopeDefaults& defaults)
      : checkpoint_(checkpoint),
        config_(checkpoint),
        defaults_(defaults),
        head_dim_(defaults.head_dim),
        max_positions_(defaults.max_position_embeddings),
        rope_(settings()) {}

  const json& object_of_settings() const { return rope_; }

  RopeSpec read() {
    refuse_nested();
    RopeSpec spec;
    spec.type = type();
    spec.theta = defaults_.theta;
    spec.interleaved = defaults_.interleaved;
    const json* theta =
        rope_.contains("rope_theta") ? &rope_.at("rope_theta") : config_.find(defaults_.theta_key);
    if (theta) spec.theta = number("rope_theta", *theta);
    spec.rotary_dim = rotary_dim(spec.type);
    // Another type is refused by whoever computes it.
    if (spec.type != "default") read_scaling(spec);
    read_factors_of_the_file(spec);
    return spec;
  }

 private:
  json settings() const { return defaults_.only_by_layer ? settings_of_layer() : settings_of_all_layers(); }

  // What rope_scaling says counts before rope_parameters, and alone; empty is as good as none.
  json settings_of_all_layers() const {
    for (const char* key : {"rope_scaling", "rope_parameters"}) {
      const json found = object(key);
      if (found.empty()) continue;
      const auto of_layer = found.find(defaults_.layer_type);
      return !defaults_.layer_type.empty() && of_layer != found.end() ? *of_layer : found;
    }
    return defaults_.settings.is_object() ? defaults_.settings : json::object();
  }

  json settings_of_layer() const {
    const json all = object("rope_parameters");
    const auto found = all.find(defaults_.layer_type);
    const json& absent = defaults_.settings;
    json settings = found != all.end() && found->is_object() ? *found
                    : absent.is_object()                     ? absent
                                                             : json::object();
    if (defaults_.layer_type == "full_attention") settings.update(object("rope_scaling"));
    return settings;
  }

  // Empty where the key is absent or null.
  json object(const char* key) const {
    const json* found = config_.find(key);
    if (!found || found->is_null()) return json::object();
    if (!found->is_object()) {
      config_.fail(std::string("config key \"") + key + "\" is " + short_json(*found) +
                   ", expected an object of RoPE settings");
    }
    return *found;
  }

  void refuse_nested() const {
    for (const auto& [key, value] : rope_.items()) {
      if (value.is_object()) {
        config_.fail("RoPE settings of their own for " + in_quotes(key) +
                     " are not supported, expected the same settings for all layers");
      }
    }
  }

  std::string type() const {
    const auto found = rope_.contains("rope_type") ? rope_.find("rope_type") : rope_.find("type");
    if (found == rope_.end()) return "default";
    if (!found->is_string()) wrong("rope_type", *found, "one of " + rope_types());
    const bool longrope = std::ranges::count(defaults_.longrope_names, found->get<std::string>()) > 0;
    return longrope ? "longrope" : found->get<std::string>();
  }

  // In these families transformers rotates the whole head whatever partial_rotary_factor says, or fails over
  // it; a GGUF file means what it says.
  int rotary_dim(const std::string& type) const {
    if (const json* rotated = checkpoint_.gguf() ? config_.find("rotary_dim") : nullptr) return *rotated;
    const json* factor = rope_.contains("partial_rotary_factor") ? &rope_.at("partial_rotary_factor")
                                                                 : config_.find(defaults_.partial_key);
    if (defaults_.partial_rotary_factor && type != "proportional") {
      // Null is not absent: no factor is said, and without one all of a head rotates.
      const double share = !factor             ? *defaults_.partial_rotary_factor
                           : factor->is_null() ? 1.0
                                               : number("partial_rotary_factor", *factor);
      if (!(share > 0 && share <= 1)) wrong("partial_rotary_factor", *factor, "a number above 0, up to 1");
      return static_cast<int>(share * head_dim_);
    }
    if (type == "default" || type == "proportional" || !factor || factor->is_null()) return head_dim_;
    const double rotated = number("partial_rotary_factor", *factor) * head_dim_;
    if (!(rotated >= head_dim_ && rotated < head_dim_ + 1))
      wrong("partial_rotary_factor", *factor, "1: these layers rotate whole heads");
    return head_dim_;
  }

  void read_scaling(RopeSpec& spec) const {
    if (spec.type == "proportional") {
      spec.factor = optional("factor").value_or(1);
      spec.rotating_share = optional("partial_rotary_factor").value_or(1);
      return;
    }
    if (spec.type == "llama3" || spec.type == "yarn" || spec.type == "longrope")
      spec.original_max_position_embeddings = original_positions();
    if (spec.type == "linear" || spec.type == "dynamic" || spec.type == "llama3" || spec.type == "yarn")
      spec.factor = factor(spec);
    if (spec.type == "llama3") {
      spec.low_freq_factor = required("low_freq_factor");
      spec.high_freq_factor = required("high_freq_factor");
    } else if (spec.type == "longrope") {
      spec.short_factor = numbers("short_factor");
      spec.long_factor = numbers("long_factor");
      spec.attention_factor = optional("attention_factor");
      spec.factor = optional("factor").value_or(static_cast<double>(max_positions_) /
                                                spec.original_max_position_embeddings);
    } else if (spec.type == "yarn") {
      const auto beta = [&](const char* key, double otherwise) {  // 0 and null are as good as absent
        const double value = optional(key).value_or(0);
        return value == 0 ? otherwise : value;
      };
      spec.beta_fast = beta("beta_fast", 32);
      spec.beta_slow = beta("beta_slow", 1);
      spec.attention_factor = optional("attention_factor");
      spec.mscale = optional("mscale");
      spec.mscale_all_dim = optional("mscale_all_dim");
      if (const auto truncate = rope_.find("truncate"); truncate != rope_.end()) {
        if (!truncate->is_boolean() && !truncate->is_null()) wrong("truncate", *truncate, "true or false");
        spec.truncate = truncate->is_boolean() && truncate->get<bool>();
      }
    }
  }

  // A key beside the settings counts before the one among them.
  int original_positions() const {
    constexpr const char* key = "original_max_position_embeddings";
    const json* found = config_.find(key);
    if (!found && defaults_.original_max_position_embeddings)
      return *defaults_.original_max_position_embeddings;
    if (!found && rope_.contains(key)) found = &rope_.at(key);
    if (!found) return max_positions_;
    constexpr double most = 1 << 30;
    const double value = number(key, *found);
    if (!(value >= 1 && value <= most)) wrong(key, *found, "a positive whole number");
    return static_cast<int>(value);
  }

  double factor(const RopeSpec& spec) const {
    const auto found = rope_.find("factor");
    if (spec.type == "yarn" && found != rope_.end() && found->is_null())
      return static_cast<double>(max_positions_) / spec.original_max_position_embeddings;
    return required("factor");
  }

  double required(const char* key) const {
    const auto found = rope_.find(key);
    if (found == rope_.end())
      config_.fail(std::string("RoPE key \"") + key + "\" is missing, which the type " + in_quotes(type()) +
                   " needs");
    return number(key, *found);
  }
  std::optional<double> optional(const char* key) const {
    const auto found = rope_.find(key);
    if (found == rope_.end() || found->is_null()) return {};
    return number(key, *found);
  }
  std::vector<double> numbers(const char* key) const {
    const auto found = rope_.find(key);
    if (found == rope_.end() || !found->is_array())
      config_.fail(std::string("RoPE key \"") + key + "\" is missing or no list, which the type " +
                   in_quotes(type()) + " needs");
    std::vector<double> values;
    for (const json& value : *found) values.push_back(number(key, value));
    return values;
  }
  double number(const char* key, const json& value) const {
    if (!value.is_number()) wrong(key, value, "a number");
    return value.get<double>();
  }
  [[noreturn]] void wrong(const char* key, const json& value, const std::string& expected) const {
    config_.fail(std::string("RoPE key \"") + key + "\" is " + short_json(value) + ", expected " + expected);
  }

  void read_factors_of_the_file(RopeSpec& spec) const {
    if (defaults_.layer_type == "sliding_attention") return;  // they are those of the layers that see all
    const std::int64_t shape[] = {spec.rotary_dim / 2};
    const TensorEntry* factors = checkpoint_.optional("rope_freqs.weight", shape);
    if (!factors) return;
    spec.freq_factors.resize(static_cast<std::size_t>(spec.rotary_dim / 2));
    read_float32(*factors, spec.freq_factors);
  }

  const Checkpoint& checkpoint_;
  Config config_;
  const RopeDefaults& defaults_;
  int head_dim_, max_positions_;
  json rope_;
};

}  // namespace

json rope_settings(const Checkpoint& checkpoint, const RopeDefaults& defaults) {
  return RopeReader(checkpoint, defaults).object_of_settings();
}

RopeSpec read_rope(const Checkpoint& checkpoint, const RopeDefaults& defaults) {
  return RopeReader(checkpoint, defaults).read();
}

}  // namespace qkscope
