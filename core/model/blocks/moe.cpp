#include "core/model/blocks/moe.h"

#include <ATen/ATen.h>

#include <limits>

#include "core/model/blocks/bands.h"

namespace qkscope {

namespace {

/// `scores` with those experts put out of the choice whose group is not among the best: a group is as good as
/// its two best experts together (DeepSeek-V3).
at::Tensor within_best_groups(const RouterSpec& router, const at::Tensor& scores) {
  const at::Tensor grouped = scores.view({scores.size(0), router.num_groups, -1});  // (T, groups, per group)
  const at::Tensor quality = std::get<0>(grouped.topk(2, -1)).sum(-1);
  const at::Tensor best = std::get<1>(quality.topk(router.top_groups, -1));
  const at::Tensor chosen = at::zeros_like(quality).scatter(1, best, 1.0).unsqueeze(-1);
  // Not zero: a correction may make the best scores of the best groups negative.
  return grouped.masked_fill(chosen == 0, -std::numeric_limits<double>::infinity()).view(scores.sizes());
}

/// The weight each expert has for each position, (T, num_experts), zero for those not chosen.
at::Tensor routing(const MoeSpec& spec, const MoeWeights& stored, const at::Tensor& logits) {
  const RouterSpec& router = spec.router;
  const at::Tensor wide = logits.to(at::kFloat);
  const bool sigmoid = router.score == RouterSpec::Score::Sigmoid;
  const at::Tensor scores = router.choose_first ? wide : sigmoid ? wide.sigmoid() : at::softmax(wide, -1);
  at::Tensor quality = stored.correction.defined() ? scores + stored.correction.to(at::kFloat) : scores;
  if (router.num_groups > 1) quality = within_best_groups(router, quality);
  const at::Tensor chosen = std::get<1>(quality.topk(spec.top_k, -1));  // (T, top_k)
  at::Tensor weights = scores.gather(1, chosen);
  if (router.choose_first) weights = sigmoid ? weights.sigmoid() : at::softmax(weights, -1);
  if (router.normalize) weights = weights / (weights.sum(-1, true) + (sigmoid ? 1e-20 : 0.0));
  weights = weights * router.scale;
  if (stored.expert_scale.defined())
    weights = weights * stored.expert_scale.to(at::kFloat).expand_as(scores).gather(1, chosen);
  return at::zeros_like(scores).scatter(1, chosen, weights).to(logits.scalar_type());
}

}  // namespace

at::Tensor moe(const MoeSpec& spec, const MoeWeights& weights, int layer, const at::Tensor& x,
               const at::Tensor& residual, Tap& tap) {
  const at::Tensor read =
      spec.input_norm ? normalize(*spec.input_norm, weights.input_norm, residual) : x;  // by the experts
  const at::Tensor judged =
      spec.router.norm ? normalize(*spec.router.norm, weights.router_norm, residual) * spec.router.input_scale
                       : read;
  const at::Tensor shares = tap({layer, Site::Router}, routing(spec, weights, weights.router(judged)));
  at::Tensor result = at::zeros_like(x);
  // One wait for the device a layer; on "meta" nothing is known and every expert runs.
  const at::Tensor used = x.is_meta() ? at::Tensor() : (shares != 0).any(0).to(at::kCPU);
  for (std::int64_t e = 0; e < spec.num_experts; ++e) {
    const bool runs = x.is_meta() || used[e].item<bool>();
    if (!runs) continue;
    const at::Tensor share = shares.select(1, e);
    const at::Tensor rows =
        x.is_meta() ? at::arange(x.size(0), x.options().dtype(at::kLong)) : share.nonzero().squeeze(1);
    const at::Tensor weight = share.index_select(0, rows).unsqueeze(1);
    at::Tensor in = read.index_select(0, rows);
    if (spec.router.scales_input) in = in * weight;
    at::Tensor out = mlp(spec.expert, weights.experts[static_cast<std::size_t>(e)], -1, in, tap);
    if (!spec.router.scales_input) out = out * weight;
    result.index_add_(0, rows, out);
    tap.pulse(layer, mixer_part + (1 - mixer_part) * static_cast<double>(e + 1) / spec.num_experts);
  }
  if (spec.output_norm) result = normalize(*spec.output_norm, weights.output_norm, result);
  if (spec.shared) {
    at::Tensor shared = mlp(*spec.shared, weights.shared, layer, x, tap);
    if (spec.shared_gate) shared = shared * weights.shared_router(x).sigmoid();
    if (spec.shared_output_norm)
      shared = normalize(*spec.shared_output_norm, weights.shared_output_norm, shared);
    result = result + shared;
  }
  return result;
}

}  // namespace qkscope
