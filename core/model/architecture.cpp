#include "core/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/error.h"
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

// No real model comes near: what is beyond is damage, and costs memory before a tensor shows that.
namespace limits {
constexpr int layers = 10'000, heads = 1 << 16, head_dim = 1 << 16, hidden = 1 << 20, inner = 1 << 24,
              vocabulary = 1 << 26, positions = 1 << 30;
}  // namespace limits

/// The name to go by: the first known one; else the first there is.
std::string architecture_name(const Config& config) {
  const nlohmann::json* list = config.find("architectures");
  if (list && !list->is_null() && !list->is_array())
    config.fail("config key \"architectures\" is a " + std::string(list->type_name()) +
                ", expected a list of names like [\"LlamaForCausalLM\"]");
  std::string found;
  for (const auto& entry : list ? *list : nlohmann::json::array()) {
    if (!entry.is_string()) continue;
    const auto name = entry.get<std::string>();
    if (registry().contains(name)) return name;
    if (found.empty()) found = name;
  }
  if (!found.empty()) return found;
  const std::string model_type = config.find("model_type") ? config.text("model_type", "") : "";
  for (const auto& [name, architecture] : registry()) {
    if (architecture.model_type == model_type) return name;
  }
  return {};
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

DecoderSpec make_spec(const Checkpoint& checkpoint) {
  const Config config(checkpoint);
  const std::string name = architecture_name(config);
  const auto known = registry().find(name);
  if (known == registry().end()) {
    std::string names;
    for (const std::string& other : architectures()) names += (names.empty() ? "" : ", ") + other;
    config.fail("architecture " +
                (name.empty() ? "(none named in \"architectures\" or \"model_type\")" : "\"" + name + "\"") +
                " is not supported; supported are " + names);
  }
  DecoderSpec spec = known->second.make(checkpoint);
  spec.architecture = name;
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

DecoderSpec llama_like_spec(const Checkpoint& checkpoint, const LlamaLikeDefaults& defaults) {
  const Config config(checkpoint);
  DecoderSpec spec;
  spec.hidden_size = config.size("hidden_size", 4096, limits::hidden);
  spec.intermediate_size = config.size("intermediate_size", defaults.intermediate_size, limits::inner);
  spec.num_layers = config.size("num_hidden_layers", 32, limits::layers);
  spec.num_heads = config.size("num_attention_heads", 32, limits::heads);
  spec.num_kv_heads = config.size_or_null("num_key_value_heads", defaults.num_kv_heads, limits::heads)
                          .value_or(spec.num_heads);
  spec.head_dim = config.size_or_null("head_dim", {}, limits::head_dim)
                      .value_or(std::max(1, spec.hidden_size / spec.num_heads));
  spec.vocab_size = config.size("vocab_size", defaults.vocab_size, limits::vocabulary);
  spec.max_position_embeddings =
      config.size("max_position_embeddings", defaults.max_position_embeddings, limits::positions);
  spec.rms_norm_eps = config.number("rms_norm_eps", 1e-6);
  spec.hidden_act = config.text("hidden_act", "silu");
  if (spec.hidden_act != "silu" && spec.hidden_act != "swish")  // two names of one function
    config.fail("hidden_act \"" + spec.hidden_act + "\" is not supported, expected silu");
  // A flag never overrules the file: where both matrices are stored, both are used.
  spec.tie_word_embeddings =
      config.flag("tie_word_embeddings", false) &&
      !(checkpoint.stores("lm_head.weight") && checkpoint.stores("model.embed_tokens.weight"));
  spec.attn_scale = 1.0 / std::sqrt(static_cast<double>(spec.head_dim));
  spec.sliding_window.assign(static_cast<std::size_t>(spec.num_layers), 0);
  spec.rope = read_rope(checkpoint, spec.head_dim, spec.max_position_embeddings);
  return spec;
}

}  // namespace qkscope
