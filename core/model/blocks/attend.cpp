#include "core/model/blocks/attend.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "core/model/blocks/bands.h"
#include "core/model/rows/rows.h"

namespace qkscope {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Queries (H, T, D) at the positions from `past` on, over the keys (G, n, D) and values (G, n, Dv) of those
/// from `first` on, which end where the queries do.
struct Band {
  at::Tensor queries, keys, values;
  std::int64_t past, first;

  std::int64_t total() const { return first + keys.size(1); }
};

/// (T, n) true where a key must not be seen.
at::Tensor hidden_keys(const AttentionSpec& spec, const Band& band) {
  const auto options = at::TensorOptions().dtype(at::kLong).device(band.queries.device());
  const at::Tensor query = at::arange(band.past, band.total(), options).unsqueeze(1);
  const at::Tensor key = at::arange(band.first, band.total(), options);
  at::Tensor hidden = key > query;
  if (spec.window > 0 && band.total() > spec.window) hidden = hidden.bitwise_or(query - key >= spec.window);
  if (spec.chunk > 0 && band.total() > spec.chunk) {
    const auto chunk_of = [&](const at::Tensor& p) { return at::floor_divide(p, spec.chunk); };
    hidden = hidden.bitwise_or(chunk_of(query) != chunk_of(key));
  }
  return hidden;
}

/// (H, 1, n), to be added to the scores.
at::Tensor alibi_bias(const AlibiSpec& alibi, const Band& band) {
  const at::ScalarType type = alibi.in_bfloat16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor slopes = at::tensor(alibi.slopes, at::kFloat).to(type).view({-1, 1, 1});
  const at::Tensor bias = slopes * at::arange(band.first, band.total(), at::kFloat).to(type);
  return (bias.to(at::kFloat) * alibi.scale).to(band.queries.device(), band.queries.scalar_type());
}

/// (H, T, n) before softmax, -infinity where a key must not be seen.
at::Tensor scores_of(const AttentionSpec& spec, const Band& band) {
  const at::Tensor keys = band.keys.repeat_interleave(spec.num_kv_groups(), 0);
  at::Tensor scores = at::matmul(band.queries, keys.transpose(1, 2)) * spec.scale;
  if (spec.softcap > 0) scores = (scores / spec.softcap).tanh() * spec.softcap;
  if (spec.alibi) scores = scores + alibi_bias(*spec.alibi, band);
  return scores.masked_fill(hidden_keys(spec, band), -infinity);
}

/// (H, T, n), and the mass (H, T) on a learned sink where there is one.
struct Pattern {
  at::Tensor keys, sink;
};

Pattern pattern_of(const at::Tensor& scores, const at::Tensor& sinks, at::ScalarType type) {
  if (!sinks.defined()) return {at::softmax(scores, -1, at::kFloat).to(type), {}};
  const at::Tensor column = sinks.to(scores.scalar_type()).view({-1, 1, 1}).expand({-1, scores.size(1), 1});
  const at::Tensor all = at::softmax(at::cat({scores, column}, -1), -1, at::kFloat);
  return {all.narrow(-1, 0, scores.size(2)).to(type), all.select(-1, scores.size(2))};
}

/// (H, T, Dv)
at::Tensor weighted_values(const AttentionSpec& spec, const at::Tensor& pattern, const Band& band) {
  return at::matmul(pattern, band.values.repeat_interleave(spec.num_kv_groups(), 0));
}

/// Step by step: what fused attention cannot do.
at::Tensor attend_openly(const AttentionSpec& spec, const at::Tensor& sinks, const Band& band) {
  const at::Tensor scores = scores_of(spec, band);
  return weighted_values(spec, pattern_of(scores, sinks, band.queries.scalar_type()).keys, band);
}

/// Shows the tap scores and pattern; the heads' outputs where it gives others back.
std::optional<at::Tensor> attend_watched(const AttentionSpec& spec, const at::Tensor& sinks, int layer,
                                         const Band& band, Tap& tap) {
  at::Tensor scores = scores_of(spec, band);
  bool replaced = false;
  const auto shown = [&](Site site, const at::Tensor& x) {
    if (!tap.wants({layer, site})) return x;
    at::Tensor given = tap({layer, site}, x);
    replaced = replaced || !given.is_same(x);
    return given;
  };
  scores = shown(Site::AttnScores, scores);
  const Pattern computed = pattern_of(scores, sinks, band.queries.scalar_type());
  if (computed.sink.defined()) shown(Site::AttnSink, computed.sink);
  const at::Tensor pattern = shown(Site::AttnPattern, computed.keys);
  if (!replaced) return std::nullopt;
  return weighted_values(spec, pattern, band);
}

/// The positions that a query at `position` sees begin here.
std::int64_t first_seen(const AttentionSpec& spec, std::int64_t position) {
  std::int64_t first = 0;
  if (spec.window > 0) first = std::max(first, position - spec.window + 1);
  if (spec.chunk > 0) first = std::max(first, position / spec.chunk * spec.chunk);
  return first;
}

at::Tensor attend_fused(const AttentionSpec& spec, const Band& band) {
  const std::int64_t positions = band.queries.size(1), total = band.total();
  if (!spec.alibi && rows::readable(band.queries)) {
    std::vector<rows::Seen> seen;
    for (std::int64_t position = band.past; position < total; ++position)
      seen.push_back({first_seen(spec, position) - band.first, position + 1 - band.first});
    return rows::attended(band.queries, band.keys, band.values, spec.scale, seen);
  }
  const bool limited =
      (spec.window > 0 && total > spec.window) || (spec.chunk > 0 && total > spec.chunk) || spec.alibi;
  std::optional<at::Tensor> mask;
  if (limited || (band.past > 0 && positions > 1)) {
    const at::Tensor hidden = hidden_keys(spec, band);
    mask = hidden.bitwise_not();
    if (spec.alibi) mask = alibi_bias(*spec.alibi, band).masked_fill(hidden, -infinity);
  }
  const bool causal = !mask && positions > 1;
  return at::scaled_dot_product_attention(band.queries.unsqueeze(0), band.keys.unsqueeze(0),
                                          band.values.unsqueeze(0), mask, /*dropout_p=*/0.0, causal,
                                          spec.scale, /*enable_gqa=*/spec.num_kv_groups() > 1)
      .squeeze(0);  // (H, T, Dv)
}

}  // namespace

at::Tensor attend(const AttentionSpec& spec, const at::Tensor& sinks, int layer, const at::Tensor& query,
                  const at::Tensor& keys, const at::Tensor& values, int past, Tap& tap) {
  if (tap.wants({layer, Site::AttnScores}) || tap.wants({layer, Site::AttnPattern})) {
    // Where it only looks on, the pass goes the way it goes without it, to the last digit.
    const Band all{query, keys, values, past, 0};
    if (std::optional<at::Tensor> heads = attend_watched(spec, sinks, layer, all, tap)) return *heads;
  }
  const bool open = spec.softcap > 0 || sinks.defined();
  const std::int64_t positions = query.size(1);
  // `count` queries from `start` on, over all that one of them sees.
  const auto part = [&](std::int64_t start, std::int64_t count) {
    const std::int64_t first = first_seen(spec, past + start), seen = past + start + count - first;
    const Band band{query.narrow(1, start, count), keys.narrow(1, first, seen), values.narrow(1, first, seen),
                    past + start, first};
    return open ? attend_openly(spec, sinks, band) : attend_fused(spec, band);
  };
  const std::int64_t work_a_query = 2 * query.size(0) * keys.size(1) * (keys.size(2) + values.size(2));
  const std::int64_t at_once = rows_at_once(query, positions, work_a_query);
  if (at_once >= positions) return part(0, positions);
  at::Tensor out = at::empty({query.size(0), positions, values.size(2)}, query.options());
  for (std::int64_t start = 0; start < positions; start += at_once) {
    const std::int64_t count = std::min(at_once, positions - start);
    out.narrow(1, start, count).copy_(part(start, count));
    tap.pulse(layer, mixer_part * static_cast<double>(start + count) / static_cast<double>(positions));
  }
  return out;
}

}  // namespace qkscope
