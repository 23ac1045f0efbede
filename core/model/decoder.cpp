#include "core/model/decoder.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/model/rope.h"

namespace qkscope {

Decoder::Decoder(DecoderSpec spec, Weights weights) : spec_(std::move(spec)), weights_(std::move(weights)) {}

at::Tensor Decoder::embed(const TokenIds& ids) const {
  for (const int id : ids) {
    if (id < 0 || id >= spec_.vocab_size) {
      throw Error("Token id " + std::to_string(id) + " is outside the vocabulary of " +
                  std::to_string(spec_.vocab_size) + " tokens.");
    }
  }
  const at::Tensor index = at::tensor(ids, at::kLong).to(weights_.device());
  return at::embedding(weights_.embedding(), index);  // (T, C)
}

at::Tensor Decoder::run_layers(at::Tensor residual, int first, int last, KvCache& cache, Tap& tap) const {
  const Rotation turn = rotation(cache.length(), static_cast<int>(residual.size(0)));
  const auto norm = [&](const at::Tensor& x, const at::Tensor& weight) {
    return at::rms_norm(x, weight.sizes(), weight, spec_.rms_norm_eps);
  };
  for (int l = first; l < last; ++l) {
    const LayerWeights& layer = weights_.layer(l);
    residual = tap({l, Site::ResidPre}, residual);
    residual = residual + attention(l, norm(residual, layer.attn_norm), turn, cache, tap);
    residual = tap({l, Site::ResidMid}, residual);
    const at::Tensor mlp_in = tap({l, Site::MlpIn}, norm(residual, layer.mlp_norm));
    residual = residual + tap({l, Site::MlpOut}, mlp(l, mlp_in));
    residual = tap({l, Site::ResidPost}, residual);
  }
  return residual;
}

at::Tensor Decoder::logits(const at::Tensor& residual, Tap& tap) const {
  const at::Tensor& weight = weights_.final_norm();
  const at::Tensor x = at::rms_norm(residual, weight.sizes(), weight, spec_.rms_norm_eps);
  return tap({-1, Site::Logits}, weights_.head()(x).to(at::kFloat));  // (T, vocab_size)
}

at::Tensor Decoder::step(int id, KvCache& cache, Tap& tap) const {
  const at::Tensor residual = run_layers(embed({id}), 0, spec_.num_layers, cache, tap);
  cache.advance(1);
  return logits(residual, tap);
}

Decoder::Rotation Decoder::rotation(int past, int positions) const {
  if (!spec_.rope) return {};
  const RopeFrequencies frequencies =
      rope_frequencies(*spec_.rope, spec_.max_position_embeddings, past + positions);
  // Angles in double, so that late positions keep their last digits.
  const at::Tensor inv_freq = at::tensor(frequencies.inv_freq, at::kDouble);
  const at::Tensor angles = at::outer(at::arange(past, past + positions, at::kDouble), inv_freq).unsqueeze(1);
  const auto finish = [&](const at::Tensor& x) {
    return (x * frequencies.attention_factor).to(weights_.device(), weights_.dtype());
  };
  return {finish(angles.cos()), finish(angles.sin())};
}

at::Tensor Decoder::rotate(const at::Tensor& x, const Rotation& rotation) const {
  if (!spec_.rope) return x;
  const std::int64_t half = spec_.rope->rotary_dim / 2;
  at::Tensor result = at::empty(x.sizes(), x.options());  // (T, heads, D)
  const at::Tensor first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
  at::Tensor first_out = result.narrow(2, 0, half), second_out = result.narrow(2, half, half);
  at::mul_out(first_out, first, rotation.cos).addcmul_(second, rotation.sin, -1);
  at::mul_out(second_out, second, rotation.cos).addcmul_(first, rotation.sin);
  if (const std::int64_t rest = x.size(2) - 2 * half; rest > 0) {
    result.narrow(2, 2 * half, rest).copy_(x.narrow(2, 2 * half, rest));
  }
  return result;
}

at::Tensor Decoder::attend(int layer, const at::Tensor& query, const at::Tensor& keys,
                           const at::Tensor& values, int past, Tap& tap) const {
  const std::int64_t positions = query.size(1), total = keys.size(1);
  const int window = spec_.sliding_window[static_cast<std::size_t>(layer)];
  const bool slides = window > 0 && total > window;
  const bool causal_only = past == 0 && !slides;
  at::Tensor hidden;  // (T, total) true where a key must not be seen
  const auto make_hidden = [&] {
    const auto options = at::TensorOptions().dtype(at::kLong).device(query.device());
    const at::Tensor distance =
        at::arange(past, past + positions, options).unsqueeze(1) - at::arange(total, options);
    hidden = distance < 0;
    if (slides) hidden = hidden.bitwise_or(distance >= window);
  };

  const bool wants_scores = tap.wants({layer, Site::AttnScores}),
             wants_pattern = tap.wants({layer, Site::AttnPattern});
  if (wants_scores || wants_pattern) {
    make_hidden();
    const std::int64_t groups = spec_.num_kv_groups();
    const at::Tensor k = keys.repeat_interleave(groups, 0), v = values.repeat_interleave(groups, 0);
    at::Tensor scores = at::matmul(query, k.transpose(1, 2)) * spec_.attn_scale;  // (H, T, total)
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
    if (wants_scores) scores = tap({layer, Site::AttnScores}, scores);
    at::Tensor pattern = at::softmax(scores, -1, at::kFloat).to(query.scalar_type());
    if (wants_pattern) pattern = tap({layer, Site::AttnPattern}, pattern);
    return at::matmul(pattern, v);  // (H, T, D)
  }

  std::optional<at::Tensor> mask;
  if (!causal_only && (positions > 1 || slides)) {
    make_hidden();
    mask = hidden.bitwise_not();
  }
  const bool causal = causal_only && positions > 1;
  return at::scaled_dot_product_attention(query.unsqueeze(0), keys.unsqueeze(0), values.unsqueeze(0), mask,
                                          /*dropout_p=*/0.0, causal, spec_.attn_scale,
                                          /*enable_gqa=*/spec_.num_kv_groups() > 1)
      .squeeze(0);  // (H, T, D)
}

at::Tensor Decoder::attention(int layer, const at::Tensor& x, const Rotation& rotation, KvCache& cache,
                              Tap& tap) const {
  const std::int64_t positions = x.size(0), dim = spec_.head_dim;
  const LayerWeights& weights = weights_.layer(layer);
  const std::vector<at::Tensor> parts =
      weights.qkv(x)
          .view({positions, -1, dim})
          .split_with_sizes({spec_.num_heads, spec_.num_kv_heads, spec_.num_kv_heads}, 1);
  const at::Tensor q =
      tap({layer, Site::Query}, rotate(tap({layer, Site::QueryPreRope}, parts[0]), rotation));
  const at::Tensor k = tap({layer, Site::Key}, rotate(tap({layer, Site::KeyPreRope}, parts[1]), rotation));
  const at::Tensor v = tap({layer, Site::Value}, parts[2]);

  const auto [keys, values] = cache.append(layer, k, v);  // (G, past + T, D)
  const at::Tensor attended = attend(layer, q.transpose(0, 1), keys, values, cache.length(), tap);
  const at::Tensor k_kept = tap({layer, Site::KeyCached}, k), v_kept = tap({layer, Site::ValueCached}, v);
  if (!k_kept.is_same(k) || !v_kept.is_same(v)) cache.overwrite(layer, k_kept, v_kept);

  const at::Tensor out = weights.attn_out(attended.transpose(0, 1).reshape({positions, -1}));
  return tap({layer, Site::AttnOut}, out);  // (T, C)
}

at::Tensor Decoder::mlp(int layer, const at::Tensor& x) const {
  const LayerWeights& weights = weights_.layer(layer);
  const std::vector<at::Tensor> gate_up = weights.gate_up(x).chunk(2, -1);  // (T, intermediate_size) each
  return weights.down(at::silu(gate_up[0]).mul_(gate_up[1]));
}

}  // namespace qkscope
