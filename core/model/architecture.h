#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/model/spec.h"

namespace qkscope {

/// Fills a ModelSpec from config.json. Throws Error naming the key at fault.
using MakeSpec = ModelSpec (*)(const Checkpoint&);

/// Each file in core/models/ adds itself by the names that config.json has for it in "architectures" and in
/// "model_type": ArchitectureRegistration llama("LlamaForCausalLM", "llama", llama_spec);
struct ArchitectureRegistration {
  ArchitectureRegistration(std::string name, std::string model_type, MakeSpec make);
};

/// The names of all architectures there are, sorted.
std::vector<std::string> architectures();
/// The spec of a checkpoint, by the first known name in config.json's "architectures", by "model_type" where
/// none is named. Checks what every decoder needs (heads divisible, a RoPE that can be computed). Throws
/// Error.
ModelSpec make_spec(const Checkpoint& checkpoint);

/// What an absent key of config.json means in a family whose keys are named as Llama's are: the defaults of
/// its transformers class. Nothing: what null means, too, or the key is derived from others.
struct LlamaLikeDefaults {
  int vocab_size = 32000, hidden_size = 4096, intermediate_size = 11008, max_position_embeddings = 2048;
  int num_layers = 32, num_heads = 32;
  std::optional<int> num_kv_heads{};  // nothing: as many as query heads
  std::optional<int> head_dim{};      // nothing: hidden_size / num_heads
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  std::optional<double> partial_rotary_factor{};  // nothing: the family does not know the key
  bool one_rope = true;                           // false: no layer rotates until the family says how
  bool tie_word_embeddings = false;
  std::optional<bool> attention_bias{}, mlp_bias{};  // nothing: the family does not know the key
  const char* hidden_act_key = "hidden_act";
  const char* hidden_act = "silu";
};
/// The spec of a model whose config.json and parameters have Llama's names: all layers alike, RMS norms
/// before attention and a gated MLP, RoPE in every layer. A family changes what is different in it.
ModelSpec llama_like_spec(const Checkpoint& checkpoint, const LlamaLikeDefaults& defaults);

/// A size in config.json, what its absence means, and the other name that the family's class knows it by,
/// which counts before this one.
struct SizeKey {
  const char* key;
  int absent;
  const char* alias = nullptr;
};
/// The keys and defaults of a family of GPT-2's make.
struct GptLikeDefaults {
  SizeKey vocab_size{"vocab_size", 50257}, hidden_size{"hidden_size", 768};
  SizeKey num_layers{"num_hidden_layers", 12}, num_heads{"num_attention_heads", 12};
  SizeKey max_position_embeddings{"max_position_embeddings", 2048};
  const char* intermediate_size = "intermediate_size";
  std::optional<int> absent_intermediate_size{};  // nothing: absent and null are 4 * hidden_size
  const char* norm_eps = "layer_norm_epsilon";
  const char* activation = "activation_function";
  const char* absent_activation = "gelu_new";
  bool tie_word_embeddings = true;
};
/// What GPT-2 and GPT-Neo name alike: embedding, positions, norms and head.
ParameterTable gpt_parameters();
/// The spec of a model whose parameters are `parameters`: all layers alike, layer norms with biases before
/// attention and a plain MLP, as many KV heads as query heads, no positions, biases everywhere in a layer.
ModelSpec gpt_like_spec(const Checkpoint& checkpoint, ParameterTable parameters,
                        const GptLikeDefaults& defaults);

/// The function that `key` names ("silu", "gelu_pytorch_tanh", ...). Throws Error for one that is not known.
Activation read_activation(const Checkpoint& checkpoint, const char* key, const char* absent);
/// Head and embedding are one matrix: a flag says so, and the file does not hold both. A flag never overrules
/// the file.
bool ties_head(const Checkpoint& checkpoint, const ParameterTable& parameters, bool absent);
/// What config.json says of each layer's attention in "layer_types"; empty where the key is absent or null.
/// Throws Error where it is no list of `num_layers` of the `known` kinds.
std::vector<std::string> read_layer_types(const Checkpoint& checkpoint, int num_layers,
                                          const std::vector<std::string>& known);
/// Gives those layers a sliding window of that many positions (0: there is none to give) that "layer_types"
/// lists as sliding_attention; where it is absent, those of which `slides` is true. Throws Error where one
/// slides and there is no window.
void set_windows(const Checkpoint& checkpoint, ModelSpec& spec, int window,
                 const std::function<bool(int layer)>& slides);

/// What a family's RoPE is where config.json does not say.
struct RopeDefaults {
  int head_dim = 0;  // of what rotates: rotary_dim but where it is partial, or a GGUF file says otherwise
  int max_position_embeddings = 0;
  double theta = 10000;
  std::optional<double> partial_rotary_factor{};  // nothing: the family rotates whole heads whatever is said
  bool interleaved = false;
  std::string layer_type{};  // the key of this layer's settings where there are several ("full_attention")
  /// The class has settings for every kind of layer alone: rope_scaling is added to those of full_attention,
  /// and rope_parameters that are not sorted so are nobody's.
  bool only_by_layer = false;
  nlohmann::json settings{};  // where config.json has none of this layer
  /// Keys beside the settings, for what does not stand among them.
  const char* theta_key = "rope_theta";
  const char* partial_key = "partial_rotary_factor";
  /// Of the key beside the settings, in a family whose class has it: one among them does not count then.
  std::optional<int> original_max_position_embeddings{};
  std::vector<std::string> longrope_names{};  // other names of the type longrope
};
/// The object of config.json that holds a layer's RoPE settings; empty where there is none.
nlohmann::json rope_settings(const Checkpoint& checkpoint, const RopeDefaults& defaults);
/// The RoPE settings: rope_scaling, else rope_parameters, and the keys beside them, in transformers' order of
/// precedence.
RopeSpec read_rope(const Checkpoint& checkpoint, const RopeDefaults& defaults);

/// No real model comes near: what is beyond is damage, and costs memory before a tensor shows that.
namespace limits {
constexpr int layers = 10'000, heads = 1 << 16, head_dim = 1 << 16, hidden = 1 << 20, inner = 1 << 24,
              vocabulary = 1 << 26, positions = 1 << 30, experts = 1 << 14;
}  // namespace limits

}  // namespace qkscope
