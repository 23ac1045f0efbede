#include "core/model/blocks/attention.h"

#include <ATen/ATen.h>

#include <limits>

#include "core/model/blocks/attend.h"

namespace qkscope {

namespace {

/// Q (T, H, D), K (T, G, D) and V (T, G, Dv) as projected; the gate (T, H * D) where there is one. K and V
/// are undefined where the layer borrows them.
struct Projected {
  at::Tensor q, k, v, gate;
};

Projected project(const AttentionSpec& spec, const AttentionWeights& weights, const at::Tensor& x) {
  const std::int64_t positions = x.size(0), dim = spec.head_dim;
  const std::int64_t q_rows = spec.num_heads * dim, k_rows = spec.num_kv_heads * dim;
  const bool own_keys = spec.keys_of_layer < 0;
  std::vector<std::int64_t> rows = {q_rows};
  if (spec.gate) rows.push_back(q_rows);
  if (own_keys) rows.push_back(k_rows);
  if (own_keys && !spec.value_is_key) rows.push_back(std::int64_t{spec.num_kv_heads} * spec.value_dim);
  const std::vector<at::Tensor> parts = weights.qkv(x).split_with_sizes(rows, 1);
  const auto heads = [&](const at::Tensor& t, std::int64_t size) { return t.view({positions, -1, size}); };
  Projected result;
  auto next = parts.begin();
  result.q = heads(*next++, dim);
  if (spec.gate) result.gate = *next++;
  if (own_keys) {
    result.k = heads(*next++, dim);
    result.v = spec.value_is_key ? result.k : heads(*next++, spec.value_dim);
  }
  return result;
}

/// The same where K and V are made from a latent: [nope; rope] dims in a head of Q and K.
Projected project_latent(const AttentionSpec& spec, const AttentionWeights& weights, int layer,
                         const at::Tensor& x, Tap& tap) {
  const LatentSpec& latent = *spec.latent;
  const std::int64_t positions = x.size(0), heads = spec.num_heads;
  const std::int64_t nope = spec.head_dim - latent.rope_dim;
  Projected result;
  const at::Tensor q_in =
      latent.q_rank > 0 ? normalize(latent.q_norm, weights.q_down_norm, weights.q_down(x)) : x;
  result.q = weights.qkv(q_in).view({positions, heads, spec.head_dim});
  const std::vector<at::Tensor> down =
      weights.kv_down(x).split_with_sizes({latent.kv_rank, latent.rope_dim}, 1);
  const at::Tensor kept =
      tap({layer, Site::KvLatent}, normalize(latent.kv_norm, weights.kv_down_norm, down[0].contiguous()));
  const std::vector<at::Tensor> up = weights.kv_up(kept)
                                         .view({positions, heads, nope + spec.value_dim})
                                         .split_with_sizes({nope, spec.value_dim}, 2);
  const at::Tensor shared = down[1].unsqueeze(1).expand({positions, heads, latent.rope_dim});
  result.k = at::cat({up[0], shared}, 2);
  result.v = up[1].contiguous();
  return result;
}

/// (T, heads, n) normed over each head, or over all of them together.
at::Tensor head_norm(const AttentionSpec& spec, const NormSpec& norm, const NormWeights& weights,
                     const at::Tensor& x) {
  if (!spec.norms_span_heads) return normalize(norm, weights, x);
  return normalize(norm, weights, x.reshape({x.size(0), -1})).view(x.sizes());
}

using Sequences = std::span<const SequenceRows>;

/// Of every row of a pass.
at::Tensor positions_of(Sequences sequences) {
  std::vector<at::Tensor> parts;
  for (const SequenceRows& s : sequences)
    parts.push_back(at::arange(s.state->length(), s.state->length() + s.count, at::kDouble));
  return at::cat(parts);
}

/// Q by its position, see QueryScaleSpec.
at::Tensor scale_by_position(const QueryScaleSpec& spec, const at::Tensor& q, Sequences sequences) {
  const at::Tensor position = positions_of(sequences) + spec.first;
  const at::Tensor scale = (position / spec.interval).floor().log1p() * spec.weight + 1;
  return (q * scale.to(q.device(), at::kFloat).view({-1, 1, 1})).to(q.scalar_type());
}

struct TurnSites {
  Site raw, pre, done;
};

/// Q or K from what was projected to what attention multiplies: norm, rotation, each at its place.
at::Tensor turn(const AttentionSpec& spec, const std::optional<NormSpec>& norm, const NormWeights& weights,
                const Rotation& rotation, int layer, const TurnSites& sites, at::Tensor x,
                Sequences sequences, Tap& tap) {
  if (norm && !spec.norms_after_rotation) x = head_norm(spec, *norm, weights, tap({layer, sites.raw}, x));
  x = tap({layer, sites.pre}, x);
  if (spec.rope) x = rotate(*spec.rope, tap.rotation({layer, sites.done}, rotation), x);
  if (norm && spec.norms_after_rotation) x = head_norm(spec, *norm, weights, x);
  if (spec.query_scale && sites.done == Site::Query) x = scale_by_position(*spec.query_scale, x, sequences);
  return tap({layer, sites.done}, x);
}

/// K and V as projected, and what later passes are to read of them.
struct KeysAndValues {
  at::Tensor key, value, kept_key, kept_value;  // (T, G, D), (T, G, Dv); undefined where they are borrowed
};

/// Keys and values (G, past + T, D) that a sequence's queries attend to.
std::pair<at::Tensor, at::Tensor> seen_by(const AttentionSpec& spec, int layer, const KeysAndValues& all,
                                          const SequenceRows& rows) {
  State& state = *rows.state;
  if (spec.keys_of_layer >= 0) return state.appended(spec.keys_of_layer);
  const auto own = [&rows](const at::Tensor& x) { return x.narrow(0, rows.first, rows.count); };
  auto [keys, values] = state.append(layer, own(all.key), own(all.value));
  if (!all.kept_key.is_same(all.key) || !all.kept_value.is_same(all.value)) {
    // This pass attends to what it was given, later ones to what is kept.
    keys = keys.clone();
    values = values.clone();
    state.overwrite(layer, own(all.kept_key), own(all.kept_value));
  }
  return {keys, values};
}

}  // namespace

at::Tensor attention(const AttentionSpec& spec, const AttentionWeights& weights, int layer,
                     const at::Tensor& x, const Rotation& rotation, Sequences sequences, Tap& tap) {
  Projected parts = spec.latent ? project_latent(spec, weights, layer, x, tap) : project(spec, weights, x);
  if (spec.clip > 0) {
    for (at::Tensor* part : {&parts.q, &parts.k, &parts.v}) *part = part->clamp(-spec.clip, spec.clip);
  }
  const at::Tensor q = turn(spec, spec.q_norm, weights.q_norm, rotation, layer,
                            {Site::QueryRaw, Site::QueryPreRope, Site::Query}, parts.q, sequences, tap);
  KeysAndValues all;
  if (spec.keys_of_layer < 0) {
    all.key = turn(spec, spec.k_norm, weights.k_norm, rotation, layer,
                   {Site::KeyRaw, Site::KeyPreRope, Site::Key}, parts.k, sequences, tap);
    all.value = tap({layer, Site::Value}, spec.v_norm ? head_norm(spec, *spec.v_norm, {}, parts.v) : parts.v);
    all.kept_key = tap({layer, Site::KeyCached}, all.key);
    all.kept_value = tap({layer, Site::ValueCached}, all.value);
  }
  std::vector<at::Tensor> attended;  // (T, H Dv) of each sequence
  for (const SequenceRows& rows : sequences) {
    const auto [keys, values] = seen_by(spec, layer, all, rows);
    const at::Tensor queries = q.narrow(0, rows.first, rows.count).transpose(0, 1);
    attended.push_back(attend(spec, weights.sinks, layer, queries, keys, values, rows.state->length(), tap)
                           .transpose(0, 1)
                           .reshape({rows.count, -1}));
  }
  at::Tensor heads = attended.size() == 1 ? attended.front() : at::cat(attended);
  if (spec.gate) heads = heads * tap({layer, Site::AttnGate}, parts.gate).sigmoid();
  heads = tap({layer, Site::AttnHeads}, heads);
  return tap({layer, Site::AttnOut}, weights.out(heads));  // (T, C)
}

}  // namespace qkscope
