#include "core/model/blocks/attend.h"

#include <ATen/ATen.h>

#include <limits>

namespace qkscope {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// (T, total) true where a key must not be seen.
at::Tensor hidden_keys(const AttentionSpec& spec, std::int64_t positions, std::int64_t total, int past,
                       at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kLong).device(device);
  const at::Tensor query = at::arange(past, past + positions, options).unsqueeze(1);
  const at::Tensor key = at::arange(total, options);
  at::Tensor hidden = key > query;
  if (spec.window > 0 && total > spec.window) hidden = hidden.bitwise_or(query - key >= spec.window);
  if (spec.chunk > 0 && total > spec.chunk) {
    const auto chunk_of = [&](const at::Tensor& p) { return at::floor_divide(p, spec.chunk); };
    hidden = hidden.bitwise_or(chunk_of(query) != chunk_of(key));
  }
  return hidden;
}

/// (H, 1, total), to be added to the scores.
at::Tensor alibi_bias(const AlibiSpec& alibi, std::int64_t total, const at::Tensor& like) {
  const at::ScalarType type = alibi.in_bfloat16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor slopes = at::tensor(alibi.slopes, at::kFloat).to(type).view({-1, 1, 1});
  const at::Tensor bias = slopes * at::arange(total, at::kFloat).to(type);
  return (bias.to(at::kFloat) * alibi.scale).to(like.device(), like.scalar_type());
}

/// Step by step, with the scores held: what a tap looks at and what fused attention cannot do.
at::Tensor attend_openly(const AttentionSpec& spec, const at::Tensor& sinks, int layer,
                         const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, int past,
                         Tap& tap) {
  const std::int64_t groups = spec.num_kv_groups(), positions = query.size(1), total = keys.size(1);
  const at::Tensor k = keys.repeat_interleave(groups, 0), v = values.repeat_interleave(groups, 0);
  at::Tensor scores = at::matmul(query, k.transpose(1, 2)) * spec.scale;  // (H, T, total)
  if (spec.softcap > 0) scores = (scores / spec.softcap).tanh() * spec.softcap;
  if (spec.alibi) scores = scores + alibi_bias(*spec.alibi, total, scores);
  scores = scores.masked_fill(hidden_keys(spec, positions, total, past, query.device()), -infinity);
  if (tap.wants({layer, Site::AttnScores})) scores = tap({layer, Site::AttnScores}, scores);
  at::Tensor pattern;
  if (sinks.defined()) {
    const at::Tensor column = sinks.to(scores.scalar_type()).view({-1, 1, 1}).expand({-1, positions, 1});
    const at::Tensor all = at::softmax(at::cat({scores, column}, -1), -1, at::kFloat);
    if (tap.wants({layer, Site::AttnSink})) tap({layer, Site::AttnSink}, all.select(-1, total));
    pattern = all.narrow(-1, 0, total).to(query.scalar_type());
  } else {
    pattern = at::softmax(scores, -1, at::kFloat).to(query.scalar_type());
  }
  if (tap.wants({layer, Site::AttnPattern})) pattern = tap({layer, Site::AttnPattern}, pattern);
  return at::matmul(pattern, v);  // (H, T, Dv)
}

}  // namespace

at::Tensor attend(const AttentionSpec& spec, const at::Tensor& sinks, int layer, const at::Tensor& query,
                  const at::Tensor& keys, const at::Tensor& values, int past, Tap& tap) {
  const std::int64_t positions = query.size(1), total = keys.size(1);
  const bool watched = tap.wants({layer, Site::AttnScores}) || tap.wants({layer, Site::AttnPattern});
  if (watched || spec.softcap > 0 || sinks.defined())
    return attend_openly(spec, sinks, layer, query, keys, values, past, tap);

  const bool limited =
      (spec.window > 0 && total > spec.window) || (spec.chunk > 0 && total > spec.chunk) || spec.alibi;
  std::optional<at::Tensor> mask;
  if (limited || (past > 0 && positions > 1)) {
    const at::Tensor hidden = hidden_keys(spec, positions, total, past, query.device());
    mask = hidden.bitwise_not();
    if (spec.alibi) mask = alibi_bias(*spec.alibi, total, query).masked_fill(hidden, -infinity);
  }
  const bool causal = !mask && positions > 1;
  return at::scaled_dot_product_attention(query.unsqueeze(0), keys.unsqueeze(0), values.unsqueeze(0), mask,
                                          /*dropout_p=*/0.0, causal, spec.scale,
                                          /*enable_gqa=*/spec.num_kv_groups() > 1)
      .squeeze(0);  // (H, T, Dv)
}

}  // namespace qkscope
