#include <cmath>

#include "core/model/architecture.h"
#include "core/model/config.h"

namespace qkscope {

namespace {

int read_size(const Config& config, const SizeKey& key, int limit) {
  const bool aliased = key.alias && config.find(key.alias);
  return config.size(aliased ? key.alias : key.key, key.absent, limit);
}

}  // namespace

ParameterTable gpt_parameters() {
  ParameterTable table;
  table.prefixes = {"transformer.", ""};
  table.layer = "h.{layer}.";
  table.stored[Role::Embedding] = {{.name = "wte"}};
  table.stored[Role::Positions] = {{.name = "wpe"}};
  table.stored[Role::FinalNorm] = {{.name = "ln_f"}};
  table.stored[Role::Head] = {{.name = "lm_head"}};
  table.stored[Role::MixerNorm] = {{.name = "ln_1"}};
  table.stored[Role::FfnNorm] = {{.name = "ln_2"}};
  return table;
}

ModelSpec gpt_like_spec(const Checkpoint& checkpoint, ParameterTable parameters,
                        const GptLikeDefaults& defaults) {
  const Config config(checkpoint);
  ModelSpec spec;
  spec.parameters = std::move(parameters);
  spec.hidden_size = read_size(config, defaults.hidden_size, limits::hidden);
  spec.vocab_size = read_size(config, defaults.vocab_size, limits::vocabulary);
  spec.max_position_embeddings = read_size(config, defaults.max_position_embeddings, limits::positions);
  const NormSpec norm{
      .kind = NormSpec::Kind::Layer, .eps = config.number(defaults.norm_eps, 1e-5), .has_bias = true};
  spec.embedding.size = spec.hidden_size;
  spec.head.tied = ties_head(checkpoint, spec.parameters, defaults.tie_word_embeddings);
  spec.head.norm = norm;

  AttentionSpec attention;
  attention.num_heads = attention.num_kv_heads = read_size(config, defaults.num_heads, limits::heads);
  if (spec.hidden_size % attention.num_heads != 0)
    config.fail(std::string(defaults.hidden_size.key) + " " + std::to_string(spec.hidden_size) +
                " is not a multiple of " + defaults.num_heads.key + " " +
                std::to_string(attention.num_heads));
  attention.head_dim = attention.value_dim = spec.hidden_size / attention.num_heads;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.head_dim));
  attention.qkv_bias = attention.out_bias = true;
  MlpSpec mlp{.gated = false, .bias = true};
  mlp.intermediate_size =
      defaults.absent_intermediate_size
          ? config.size(defaults.intermediate_size, *defaults.absent_intermediate_size, limits::inner)
          : config.size_or_null(defaults.intermediate_size, {}, limits::inner).value_or(4 * spec.hidden_size);
  mlp.activation = read_activation(checkpoint, defaults.activation, defaults.absent_activation);
  LayerSpec layer;
  layer.mixer = attention;
  layer.ffn = mlp;
  layer.mixer_norm = layer.ffn_norm = norm;
  const int num_layers = read_size(config, defaults.num_layers, limits::layers);
  spec.layers.assign(static_cast<std::size_t>(num_layers), layer);
  return spec;
}

}  // namespace qkscope
