#include "core/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/gguf_families.h"
#include "core/model/config.h"
#include "core/model/rope.h"

namespace qkscope {

namespace {

struct Architecture {
  std::string model_type;
  MakeSpec make;
};

std::map<std::string, Architecture>& registry() {
  static std::map<std::string, Architecture> map;
  return map;
}

/// The first known name among "architectures"; else the first there is.
std::string named_architecture(const Config& config, const nlohmann::json& keys) {
  const auto list = keys.find("architectures");
  if (list == keys.end() || list->is_null()) return {};
  if (!list->is_array())
    config.fail("config key \"architectures\" is a " + std::string(list->type_name()) +
                ", expected a list of names like [\"LlamaForCausalLM\"]");
  std::string found;
  for (const auto& entry : *list) {
    if (!entry.is_string()) continue;
    const auto name = entry.get<std::string>();
    if (registry().contains(name)) return name;
    if (found.empty()) found = name;
  }
  return found;
}

/// The name to go by. A text model that is part of another goes by what its own keys say: one of a kind that
/// is known is run as that kind is, whatever the whole is called.
std::string architecture_name(const Config& config, const nlohmann::json& whole) {
  const std::string name = named_architecture(config, whole);
  if (registry().contains(name)) return name;
  const bool is_part = &config.json() != &whole;
  const std::string own = is_part ? named_architecture(config, config.json()) : name;
  if (!own.empty() && (registry().contains(own) || !is_part)) return own;
  const std::string model_type = config.find("model_type") ? config.text("model_type", "") : "";
  for (const auto& [known, architecture] : registry()) {
    if (architecture.model_type == model_type) return known;
  }
  return name;
}

}  // namespace

ArchitectureRegistration::ArchitectureRegistration(std::string name, std::string model_type, MakeSpec make) {
  registry().emplace(std::move(name), Architecture{std::move(model_type), make});
}

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const auto& [name, architecture] : registry()) names.push_back(name);
  return names;
}

ModelSpec make_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  const std::string name = architecture_name(config, checkpoint.config());
  const auto known = registry().find(name);
  if (known == registry().end()) {
    std::string names;
    for (const std::string& other : architectures()) names += (names.empty() ? "" : ", ") + other;
    config.fail("architecture " +
                (name.empty() ? "(none named in \"architectures\" or \"model_type\")" : "\"" + name + "\"") +
                " is not supported; supported are " + names);
  }
  ModelSpec spec = known->second.make(checkpoint);
  spec.architecture = name;
  if (checkpoint.gguf()) {
    const GgufFamily* family = gguf_family(*checkpoint.gguf());
    spec.parameters = gguf_parameters(spec, family && family->tiled_values);
  }
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* attention = layer.attention();
    if (!attention) continue;
    if (attention->num_heads % attention->num_kv_heads != 0) {
      config.fail("num_attention_heads " + std::to_string(attention->num_heads) +
                  " is not a multiple of num_key_value_heads " + std::to_string(attention->num_kv_heads));
    }
    if (!attention->rope) continue;
    try {  // refuses unknown types early
      rope_frequencies(*attention->rope, spec.max_position_embeddings, 1);
    } catch (const Error& error) {
      config.fail(error.what());
    }
  }
  return spec;
}

Activation read_activation(const Checkpoint& checkpoint, const char* key, const char* absent) {
  static const std::map<std::string, Activation> known = {
      {"silu", Activation::Silu},          {"swish", Activation::Silu},
      {"gelu", Activation::Gelu},          {"gelu_new", Activation::GeluTanh},
      {"gelu_fast", Activation::GeluTanh}, {"gelu_pytorch_tanh", Activation::GeluTanh},
      {"relu", Activation::Relu}};
  const Config config(checkpoint);
  const std::string name = config.text(key, absent);
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  std::string names;
  for (const auto& [other, activation] : known) names += (names.empty() ? "" : ", ") + other;
  config.fail(std::string(key) + " \"" + name + "\" is not supported, expected one of " + names);
}

bool ties_head(const Checkpoint& checkpoint, const ParameterTable& parameters, bool absent) {
  const auto stored = [&](Role role) {
    const auto names = parameters.stored.find(role);
    if (names == parameters.stored.end()) return false;
    return std::ranges::any_of(names->second, [&](const Stored& s) {
      const auto with = [&](const std::string& prefix) {
        return checkpoint.stores(prefix + s.name + ".weight");
      };
      return role == Role::Head ? with("") : std::ranges::any_of(parameters.prefixes, with);
    });
  };
  return Config(checkpoint).ties_head(absent) && !(stored(Role::Head) && stored(Role::Embedding));
}

std::vector<std::string> read_layer_types(const Checkpoint& checkpoint, int num_layers,
                                          const std::vector<std::string>& known) {
  const Config config(checkpoint);
  const nlohmann::json* types = config.find("layer_types");
  if (!types || types->is_null()) return {};
  if (!types->is_array() || types->size() != static_cast<std::size_t>(num_layers))
    config.fail("config key \"layer_types\" is " + short_json(*types) + ", expected a list of " +
                std::to_string(num_layers) + " kinds of layers");
  std::vector<std::string> result;
  for (const auto& type : *types) {
    if (!type.is_string() || std::ranges::find(known, type.get<std::string>()) == known.end()) {
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "" : " or ") + name;
      config.fail("config key \"layer_types\" names " + short_json(type) + ", expected " + names);
    }
    result.push_back(type);
  }
  return result;
}

void set_windows(const Checkpoint& checkpoint, ModelSpec& spec, int window,
                 const std::function<bool(int layer)>& slides) {
  const std::vector<std::string> types =
      read_layer_types(checkpoint, spec.num_layers(), {"full_attention", "sliding_attention"});
  for (int l = 0; l < spec.num_layers(); ++l) {
    const auto index = static_cast<std::size_t>(l);
    if (!(types.empty() ? slides(l) : types[index] == "sliding_attention")) continue;
    if (window == 0) {
      Config(checkpoint)
          .fail(types.empty()
                    ? "config key \"sliding_window\" is null, expected a number of positions: layer " +
                          std::to_string(l + 1) + " slides"
                    : "config key \"layer_types\" names sliding_attention, but no sliding_window is in use");
    }
    std::get<AttentionSpec>(spec.layers[index].mixer).window = window;
  }
}

ModelSpec llama_like_spec(const Checkpoint& checkpoint, const LlamaLikeDefaults& defaults) {
  const Config config(checkpoint);
  ModelSpec spec;
  spec.parameters = llama_parameters();
  spec.hidden_size = config.size("hidden_size", defaults.hidden_size, limits::hidden);
  spec.vocab_size = config.size("vocab_size", defaults.vocab_size, limits::vocabulary);
  spec.max_position_embeddings =
      config.size("max_position_embeddings", defaults.max_position_embeddings, limits::positions);
  const NormSpec norm{.eps = config.number("rms_norm_eps", defaults.rms_norm_eps)};
  spec.embedding.size = spec.hidden_size;
  spec.head.tied = ties_head(checkpoint, spec.parameters, defaults.tie_word_embeddings);
  spec.head.norm = norm;

  AttentionSpec attention;
  attention.num_heads = config.size("num_attention_heads", defaults.num_heads, limits::heads);
  attention.num_kv_heads = config.size_or_null("num_key_value_heads", defaults.num_kv_heads, limits::heads)
                               .value_or(attention.num_heads);
  attention.head_dim = config.size_or_null("head_dim", defaults.head_dim, limits::head_dim)
                           .value_or(std::max(1, spec.hidden_size / attention.num_heads));
  attention.value_dim = attention.head_dim;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.head_dim));
  if (defaults.one_rope) {
    attention.rope = read_rope(checkpoint, {.head_dim = attention.head_dim,
                                            .max_position_embeddings = spec.max_position_embeddings,
                                            .theta = defaults.rope_theta,
                                            .partial_rotary_factor = defaults.partial_rotary_factor});
  }
  if (defaults.attention_bias)
    attention.qkv_bias = attention.out_bias = config.flag("attention_bias", *defaults.attention_bias);
  MlpSpec mlp;
  if (defaults.mlp_bias) mlp.bias = config.flag("mlp_bias", *defaults.mlp_bias);
  mlp.intermediate_size = config.size("intermediate_size", defaults.intermediate_size, limits::inner);
  mlp.activation = read_activation(checkpoint, defaults.hidden_act_key, defaults.hidden_act);
  LayerSpec layer;
  layer.mixer = attention;
  layer.ffn = mlp;
  layer.mixer_norm = layer.ffn_norm = norm;
  const int num_layers = config.size("num_hidden_layers", defaults.num_layers, limits::layers);
  spec.layers.assign(static_cast<std::size_t>(num_layers), layer);
  return spec;
}

}  // namespace qkscope
