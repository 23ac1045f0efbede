#include "core/model/parameters.h"

#include "core/base/error.h"
#include "core/model/spec.h"

namespace qkscope {

std::string replaced(std::string name, std::string_view word, int number) {
  if (const auto at = name.find(word); at != name.npos) name.replace(at, word.size(), std::to_string(number));
  return name;
}

std::string layer_name(const ParameterTable& table, int layer, const Stored& stored) {
  return replaced(table.layer, "{layer}", layer) + stored.name;
}

ParameterTable llama_parameters() {
  ParameterTable table;
  // Text models inside others that also see and hear keep their names behind a prefix; a base model saved
  // without its head has none.
  table.prefixes = {"model.", "model.language_model.", "language_model.model.", ""};
  const auto plain = [&](Role role, const char* name) { table.stored[role] = {{.name = name}}; };
  plain(Role::Embedding, "embed_tokens");
  plain(Role::FinalNorm, "norm");
  table.stored[Role::Head] = {{.name = "lm_head"}, {.name = "language_model.lm_head"}};
  plain(Role::MixerNorm, "input_layernorm");
  plain(Role::FfnNorm, "post_attention_layernorm");
  plain(Role::Query, "self_attn.q_proj");
  plain(Role::Key, "self_attn.k_proj");
  plain(Role::Value, "self_attn.v_proj");
  plain(Role::AttnOut, "self_attn.o_proj");
  plain(Role::QueryNorm, "self_attn.q_norm");
  plain(Role::KeyNorm, "self_attn.k_norm");
  plain(Role::Gate, "mlp.gate_proj");
  plain(Role::Up, "mlp.up_proj");
  plain(Role::Down, "mlp.down_proj");
  return table;
}

bool is_of_layer(Role role) {
  return role >= Role::MixerNorm;
}

namespace {

using Shape = std::vector<std::int64_t>;

Shape attention_shape(const AttentionSpec& a, std::int64_t hidden, Role role) {
  const std::int64_t heads = a.num_heads, kv_heads = a.num_kv_heads, dim = a.head_dim, value = a.value_dim;
  const LatentSpec latent = a.latent.value_or(LatentSpec{});
  switch (role) {
    case Role::Query:
      return {heads * dim, latent.q_rank > 0 ? latent.q_rank : hidden};
    case Role::AttnGate:
      return {heads * dim, hidden};
    case Role::Key:
      return {kv_heads * dim, hidden};
    case Role::Value:
      return {kv_heads * value, hidden};
    case Role::AttnOut:
      return {hidden, heads * value};
    case Role::QueryNorm:
      return {a.norms_span_heads ? heads * dim : dim};
    case Role::KeyNorm:
      return {a.norms_span_heads ? kv_heads * dim : dim};
    case Role::ValueNorm:
      return {value};
    case Role::Sinks:
      return {heads};
    case Role::QueryDown:
      return {latent.q_rank, hidden};
    case Role::QueryDownNorm:
      return {latent.q_rank};
    case Role::KvDown:
      return {latent.kv_rank + latent.rope_dim, hidden};
    case Role::KvDownNorm:
      return {latent.kv_rank};
    case Role::KvUp:
      return {heads * (dim - latent.rope_dim + value), latent.kv_rank};
    case Role::KeyUp:
      return {heads, latent.kv_rank, dim - latent.rope_dim};
    case Role::ValueUp:
      return {heads, value, latent.kv_rank};
    default:
      return {};
  }
}

Shape mamba_shape(const MambaSpec& m, std::int64_t hidden, Role role) {
  const std::int64_t inner = m.inner_size, state = m.state_size, rank = m.dt_rank;
  switch (role) {
    case Role::MambaIn:
      return {2 * inner, hidden};
    case Role::MambaConv:
      return {inner, 1, m.conv_kernel};
    case Role::MambaX:
      return {rank + 2 * state, inner};
    case Role::MambaDt:
      return {inner, rank};
    case Role::MambaALog:
      return {inner, state};
    case Role::MambaD:
      return {inner};
    case Role::MambaOut:
      return {hidden, inner};
    case Role::MambaDtNorm:
      return {rank};
    case Role::MambaBNorm:
    case Role::MambaCNorm:
      return {state};
    default:
      return {};
  }
}

Shape delta_shape(const DeltaNetSpec& d, std::int64_t hidden, Role role) {
  const std::int64_t keys = std::int64_t{d.num_key_heads} * d.key_dim,
                     values = std::int64_t{d.num_value_heads} * d.value_dim;
  switch (role) {
    case Role::DeltaQkv:
      return {2 * keys + values, hidden};
    case Role::DeltaGate:
      return {values, hidden};
    case Role::DeltaBeta:
    case Role::DeltaDecay:
      return {d.num_value_heads, hidden};
    case Role::DeltaConv:
      return {2 * keys + values, 1, d.conv_kernel};
    case Role::DeltaDtBias:
    case Role::DeltaALog:
      return {d.num_value_heads};
    case Role::DeltaNorm:
      return {d.value_dim};
    case Role::DeltaOut:
      return {hidden, values};
    default:
      return {};
  }
}

Shape mlp_shape(const MlpSpec& mlp, std::int64_t hidden, bool down) {
  return down ? Shape{hidden, mlp.intermediate_size} : Shape{mlp.intermediate_size, hidden};
}

Shape ffn_shape(const FfnSpec& ffn, std::int64_t hidden, Role role) {
  if (const auto* mlp = std::get_if<MlpSpec>(&ffn)) return mlp_shape(*mlp, hidden, role == Role::Down);
  const MoeSpec& moe = std::get<MoeSpec>(ffn);
  switch (role) {
    case Role::Router:
      return {moe.num_experts, hidden};
    case Role::RouterCorrection:
      return {moe.num_experts};
    case Role::ExpertGate:
    case Role::ExpertUp:
    case Role::ExpertDown:
      return mlp_shape(moe.expert, hidden, role == Role::ExpertDown);
    case Role::SharedGate:
    case Role::SharedUp:
    case Role::SharedDown:
      return mlp_shape(moe.shared.value_or(MlpSpec{}), hidden, role == Role::SharedDown);
    case Role::SharedRouter:
      return {1, hidden};
    case Role::RouterExpertScale:
      return {moe.num_experts};
    case Role::RouterNorm:
    case Role::RoutedNorm:
    case Role::RoutedPostNorm:
    case Role::SharedPostNorm:
      return {hidden};
    default:
      return {};
  }
}

Shape model_shape(const ModelSpec& spec, Role role) {
  const std::int64_t hidden = spec.hidden_size, vocab = spec.vocab_size, layers = spec.num_layers();
  const EmbeddingSpec& e = spec.embedding;
  switch (role) {
    case Role::Embedding:
      return {vocab, e.size};
    case Role::EmbeddingNorm:
      return {e.size};
    case Role::Positions:
      return {e.positions + e.position_offset, hidden};
    case Role::ProjectIn:
      return {hidden, e.size};
    case Role::ProjectOut:
      return {spec.head.projected, hidden};
    case Role::FinalNorm:
      return {hidden};
    case Role::Head:
      return {vocab, spec.head.projected > 0 ? spec.head.projected : hidden};
    case Role::PerLayerEmbedding:
      return {vocab, layers * e.per_layer_input};
    case Role::PerLayerProjection:
      return {layers * e.per_layer_input, hidden};
    case Role::PerLayerInputNorm:
      return {e.per_layer_input};
    default:
      return {};
  }
}

}  // namespace

Shape parameter_shape(const ModelSpec& spec, Role role, int layer) {
  if (!is_of_layer(role)) return model_shape(spec, role);
  const std::int64_t hidden = spec.hidden_size;
  const LayerSpec& l = spec.layers.at(static_cast<std::size_t>(layer));
  switch (role) {
    case Role::MixerNorm:
    case Role::MixerPostNorm:
    case Role::FfnNorm:
    case Role::FfnPostNorm:
    case Role::PerLayerNorm:
      return {hidden};
    case Role::LayerScalar:
      return {1};
    case Role::PerLayerGate:
      return {l.per_layer_input, hidden};
    case Role::PerLayerUp:
      return {hidden, l.per_layer_input};
    default:
      break;
  }
  if (role >= Role::DeltaQkv) return delta_shape(std::get<DeltaNetSpec>(l.mixer), hidden, role);
  if (role >= Role::MambaIn) return mamba_shape(std::get<MambaSpec>(l.mixer), hidden, role);
  if (role >= Role::Gate) return ffn_shape(l.ffn, hidden, role);
  return attention_shape(std::get<AttentionSpec>(l.mixer), hidden, role);
}

std::vector<Role> products_of(const LayerSpec& layer) {
  std::vector<Role> roles;
  const auto add = [&](bool there, std::initializer_list<Role> more) {
    if (there) roles.insert(roles.end(), more);
  };
  if (const AttentionSpec* a = layer.attention()) {
    const bool keys = a->keys_of_layer < 0 && !a->latent;
    add(a->latent && a->latent->q_rank > 0, {Role::QueryDown});
    add(a->latent.has_value(), {Role::KvDown, Role::KvUp});
    add(true, {Role::Query});
    add(a->gate, {Role::AttnGate});
    add(keys, {Role::Key});
    add(keys && !a->value_is_key, {Role::Value});
    add(true, {Role::AttnOut});
  } else if (std::holds_alternative<MambaSpec>(layer.mixer)) {
    add(true, {Role::MambaIn, Role::MambaX, Role::MambaDt, Role::MambaOut});
  } else {
    add(true, {Role::DeltaQkv, Role::DeltaGate, Role::DeltaBeta, Role::DeltaDecay, Role::DeltaOut});
  }
  if (const MoeSpec* moe = layer.moe()) {
    add(true, {Role::Router});
    add(moe->expert.gated, {Role::ExpertGate});
    add(true, {Role::ExpertUp, Role::ExpertDown});
    add(moe->shared && moe->shared->gated, {Role::SharedGate});
    add(moe->shared.has_value(), {Role::SharedUp, Role::SharedDown});
    add(moe->shared_gate, {Role::SharedRouter});
  } else {
    add(std::get<MlpSpec>(layer.ffn).gated, {Role::Gate});
    add(true, {Role::Up, Role::Down});
  }
  return roles;
}

namespace {

/// See Rows::DeltaGroups. Q of all heads comes first, then K, then V.
StoredRows delta_groups(const DeltaNetSpec& delta, Role role) {
  const std::int64_t heads = delta.num_key_heads, values = delta.num_value_heads / heads;
  const std::int64_t value = values * delta.value_dim, key = delta.key_dim;
  StoredRows result;
  const auto take = [&](std::int64_t block, std::int64_t first, std::int64_t count) {
    for (std::int64_t h = 0; h < heads; ++h) result.ranges.push_back({h * block + first, count});
    result.total = heads * block;
  };
  const std::int64_t wide = 2 * (key + value), narrow = 2 * values;
  if (role == Role::DeltaQkv) {
    take(wide, 0, key);
    take(wide, key, key);
    take(wide, 2 * key, value);
  } else if (role == Role::DeltaGate) {
    take(wide, 2 * key + value, value);
  } else {
    take(narrow, role == Role::DeltaBeta ? 0 : values, values);
  }
  return result;
}

}  // namespace

std::vector<std::int64_t> tiled_value_heads(const DeltaNetSpec& d) {
  std::vector<std::int64_t> heads;
  const int values_of_key = d.num_value_heads / d.num_key_heads;
  for (int key = 0; key < d.num_key_heads; ++key) {
    for (int value = 0; value < values_of_key; ++value)
      heads.push_back(std::int64_t{value} * d.num_key_heads + key);
  }
  return heads;
}

StoredRows stored_rows(const ModelSpec& spec, Role role, int layer, Rows rows) {
  const auto size = [&](Role r) { return parameter_shape(spec, r, layer).at(0); };
  // `roles` in blocks one after the other, `blocks` times.
  const auto in_blocks = [&](const std::vector<Role>& roles, std::int64_t blocks) {
    StoredRows result;
    std::int64_t before = 0, all = 0;
    bool found = false;
    for (const Role r : roles) {
      found = found || r == role;
      if (!found) before += size(r) / blocks;
      all += size(r) / blocks;
    }
    if (!found) throw Error("A fused matrix does not hold this parameter.");
    for (std::int64_t b = 0; b < blocks; ++b)
      result.ranges.push_back({b * all + before, size(role) / blocks});
    result.total = blocks * all;
    return result;
  };
  switch (rows) {
    case Rows::All:
      return {{{0, size(role)}}, size(role)};
    case Rows::QkvBlocks:
      return in_blocks({Role::Query, Role::Key, Role::Value}, 1);
    case Rows::QkvGroups:
      return in_blocks({Role::Query, Role::Key, Role::Value}, spec.attention(layer)->num_kv_heads);
    case Rows::QueryGate:
      return in_blocks({Role::Query, Role::AttnGate}, spec.attention(layer)->num_heads);
    case Rows::DeltaGroups:
      return delta_groups(std::get<DeltaNetSpec>(spec.layers.at(static_cast<std::size_t>(layer)).mixer),
                          role);
    case Rows::TiledValues: {
      const auto& d = std::get<DeltaNetSpec>(spec.layers.at(static_cast<std::size_t>(layer)).mixer);
      StoredRows result{{}, size(role)};
      const bool qkv = role == Role::DeltaQkv || role == Role::DeltaConv;
      const std::int64_t before = qkv ? std::int64_t{2} * d.num_key_heads * d.key_dim : 0;
      const std::int64_t rows_of_head = (result.total - before) / d.num_value_heads;
      if (before > 0) result.ranges.push_back({0, before});
      for (const std::int64_t head : tiled_value_heads(d))
        result.ranges.push_back({before + head * rows_of_head, rows_of_head});
      return result;
    }
    case Rows::GateUpInterleaved: {
      const bool up = role == Role::Up || role == Role::ExpertUp || role == Role::SharedUp;
      return {{{up ? 1 : 0, size(role), 2}}, 2 * size(role)};
    }
    case Rows::GateUpBlocks: {
      const bool expert = role == Role::ExpertGate || role == Role::ExpertUp;
      const bool shared = role == Role::SharedGate || role == Role::SharedUp;
      const std::vector<Role> both = expert   ? std::vector{Role::ExpertGate, Role::ExpertUp}
                                     : shared ? std::vector{Role::SharedGate, Role::SharedUp}
                                              : std::vector{Role::Gate, Role::Up};
      return in_blocks(both, 1);
    }
  }
  return {};
}

}  // namespace qkscope
