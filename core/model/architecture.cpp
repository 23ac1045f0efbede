#include "core/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/model/rope.h"

namespace qkscope {

namespace {

std::map<std::string, MakeSpec>& registry() {
  static std::map<std::string, MakeSpec> map;
  return map;
}

}  // namespace

ArchitectureRegistration::ArchitectureRegistration(std::string name, MakeSpec make) {
  registry().emplace(std::move(name), make);
}

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const auto& [name, make] : registry()) names.push_back(name);
  return names;
}

DecoderSpec make_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  std::string found;
  const auto list = config.json().find("architectures");
  if (list != config.json().end() && list->is_array()) {
    for (const auto& entry : *list) {
      if (!entry.is_string()) continue;
      found = entry.get<std::string>();
      if (const auto known = registry().find(found); known != registry().end()) {
        DecoderSpec spec = known->second(checkpoint);
        spec.architecture = found;
        if (spec.num_heads % spec.num_kv_heads != 0) {
          config.fail("num_attention_heads " + std::to_string(spec.num_heads) +
                      " is not a multiple of num_key_value_heads " + std::to_string(spec.num_kv_heads));
        }
        try {  // refuses unknown types early
          if (spec.rope) rope_frequencies(*spec.rope, spec.max_position_embeddings, 1);
        } catch (const Error& error) {
          config.fail(error.what());
        }
        return spec;
      }
    }
  }
  std::string names;
  for (const std::string& name : architectures()) names += (names.empty() ? "" : ", ") + name;
  config.fail("architecture " + (found.empty() ? "(none named in \"architectures\")" : "\"" + found + "\"") +
              " is not supported; supported are " + names);
}

Config::Config(const Checkpoint& checkpoint)
    : json_(checkpoint.config()), path_(checkpoint.path().string()) {}

void Config::fail(const std::string& what) const {
  throw Error(path_ + ": " + what + ".");
}

template <typename T>
std::optional<T> Config::get(const char* key, const char* kind) const {
  const auto it = json_.find(key);
  if (it == json_.end() || it->is_null()) return std::nullopt;
  try {
    return it->get<T>();
  } catch (const nlohmann::json::exception&) {
    fail(std::string("config key \"") + key + "\" is " + it->dump().substr(0, 60) + ", expected " + kind);
  }
}

int Config::positive(const char* key) const {
  const int value = positive(key, 0);
  if (value == 0)
    fail(std::string("config key \"") + key + "\" is missing, expected a positive whole number");
  return value;
}

int Config::positive(const char* key, int otherwise) const {
  const auto value = get<double>(key, "a positive whole number");
  if (!value) return otherwise;
  constexpr double limit = 1 << 30;
  if (!(*value >= 1 && *value <= limit) || *value != static_cast<int>(*value)) {
    fail(std::string("config key \"") + key + "\" is " + json_.at(key).dump().substr(0, 60) +
         ", expected a positive whole number");
  }
  return static_cast<int>(*value);
}

double Config::number(const char* key, double otherwise) const {
  return get<double>(key, "a number").value_or(otherwise);
}

bool Config::flag(const char* key, bool otherwise) const {
  return get<bool>(key, "true or false").value_or(otherwise);
}

std::string Config::text(const char* key, const std::string& otherwise) const {
  return get<std::string>(key, "a string").value_or(otherwise);
}

DecoderSpec llama_like_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  DecoderSpec spec;
  spec.hidden_size = config.positive("hidden_size");
  spec.intermediate_size = config.positive("intermediate_size");
  spec.num_layers = config.positive("num_hidden_layers");
  spec.num_heads = config.positive("num_attention_heads");
  spec.num_kv_heads = config.positive("num_key_value_heads", spec.num_heads);
  spec.head_dim = config.positive("head_dim", std::max(1, spec.hidden_size / spec.num_heads));
  spec.vocab_size = config.positive("vocab_size");
  spec.max_position_embeddings = config.positive("max_position_embeddings", 2048);
  spec.rms_norm_eps = config.number("rms_norm_eps", 1e-6);
  spec.hidden_act = config.text("hidden_act", "silu");
  if (spec.hidden_act != "silu")
    config.fail("hidden_act \"" + spec.hidden_act + "\" is not supported, expected silu");
  spec.tie_word_embeddings = config.flag("tie_word_embeddings", false);
  spec.attn_scale = 1.0 / std::sqrt(static_cast<double>(spec.head_dim));
  spec.sliding_window.assign(static_cast<std::size_t>(spec.num_layers), 0);
  spec.rope = read_rope(checkpoint, spec.head_dim);
  return spec;
}

RopeSpec read_rope(const Checkpoint& checkpoint, int head_dim) {
  const Config config(checkpoint);
  const nlohmann::json empty = nlohmann::json::object();
  const auto section = [&](const char* key) -> const nlohmann::json& {
    const auto it = config.json().find(key);
    if (it == config.json().end() || it->is_null()) return empty;
    if (!it->is_object()) config.fail(std::string("config key \"") + key + "\" is not an object");
    return *it;
  };
  const nlohmann::json& parameters = section("rope_parameters");
  const nlohmann::json& rope = parameters.empty() ? section("rope_scaling") : parameters;
  const auto fail = [&](const char* key) {
    config.fail(std::string("RoPE key \"") + key + "\" is " + rope.at(key).dump().substr(0, 60) +
                ", expected a number");
  };
  const auto optional = [&](const char* key) -> std::optional<double> {
    const auto it = rope.find(key);
    if (it == rope.end() || it->is_null()) return std::nullopt;
    if (!it->is_number()) fail(key);
    return it->get<double>();
  };
  RopeSpec spec;
  for (const char* key : {"type", "rope_type"}) {
    if (const auto it = rope.find(key); it != rope.end() && it->is_string())
      spec.type = it->get<std::string>();
  }
  spec.theta = optional("rope_theta").value_or(config.number("rope_theta", 10000.0));
  spec.rotary_dim = head_dim;
  spec.factor = optional("factor").value_or(1.0);
  spec.original_max_position_embeddings =
      static_cast<int>(optional("original_max_position_embeddings")
                           .value_or(config.positive("max_position_embeddings", 2048)));
  spec.low_freq_factor = optional("low_freq_factor").value_or(1.0);
  spec.high_freq_factor = optional("high_freq_factor").value_or(4.0);
  spec.beta_fast = optional("beta_fast").value_or(32.0);
  spec.beta_slow = optional("beta_slow").value_or(1.0);
  spec.attention_factor = optional("attention_factor");
  spec.mscale = optional("mscale");
  spec.mscale_all_dim = optional("mscale_all_dim");
  if (const auto it = rope.find("truncate"); it != rope.end() && it->is_boolean())
    spec.truncate = it->get<bool>();
  if (const TensorEntry* factors = checkpoint.find("rope_freqs.weight")) {
    if (factors->numel() != head_dim / 2)
      config.fail("tensor rope_freqs.weight does not hold head_dim / 2 numbers");
    spec.freq_factors.resize(static_cast<std::size_t>(head_dim / 2));
    read_float32(*factors, spec.freq_factors);
  }
  return spec;
}

}  // namespace qkscope
