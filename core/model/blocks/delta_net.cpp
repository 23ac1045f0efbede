#include "core/model/blocks/delta_net.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/model/blocks/bands.h"
#include "core/model/blocks/causal_conv.h"

namespace qkscope {

namespace {

/// `x` divided by its length over the last axis.
at::Tensor unit_length(const at::Tensor& x) {
  return x * (x * x).sum(-1, /*keepdim=*/true).add(1e-6).rsqrt();
}

}  // namespace

at::Tensor delta_net(const DeltaNetSpec& spec, const DeltaNetWeights& weights, int layer, const at::Tensor& x,
                     State& state, Tap& tap) {
  const std::int64_t positions = x.size(0), heads = spec.num_value_heads;
  const std::int64_t keys = std::int64_t{spec.num_key_heads} * spec.key_dim, values = heads * spec.value_dim;
  const std::vector<at::Tensor> parts =
      weights.in(x).split_with_sizes({2 * keys + values, values, heads, heads}, 1);
  const std::vector<at::Tensor>& before = state.recurrent(layer);  // conv inputs, S
  const CausalConv conv = causal_conv(parts[0], weights.conv, {}, before.empty() ? at::Tensor() : before[0]);
  const std::vector<at::Tensor> qkv =
      activate(spec.activation, conv.out).split_with_sizes({keys, keys, values}, 1);
  // Each key head serves as many consecutive value heads; all in float32 from here on.
  const auto by_value_head = [&](const at::Tensor& t) {
    return unit_length(t.reshape({positions, spec.num_key_heads, spec.key_dim}).to(at::kFloat))
        .repeat_interleave(heads / spec.num_key_heads, 1);
  };
  const at::Tensor q = by_value_head(qkv[0]) / std::sqrt(static_cast<double>(spec.key_dim));  // (T, Hv, Dk)
  const at::Tensor k = by_value_head(qkv[1]);
  const at::Tensor v = qkv[2].reshape({positions, heads, spec.value_dim}).to(at::kFloat);
  const at::Tensor beta = parts[2].sigmoid().to(at::kFloat);  // (T, Hv)
  const at::Tensor decay = (weights.a_log.to(at::kFloat).exp().neg() *
                            at::softplus(parts[3].to(at::kFloat) + weights.dt_bias.to(at::kFloat)))
                               .exp();

  at::Tensor memory = before.empty() ? at::zeros({heads, spec.key_dim, spec.value_dim}, v.options())
                                     : before[1];  // (Hv, Dk, Dv)
  at::Tensor read = at::empty(v.sizes(), v.options());
  for (std::int64_t t = 0; t < positions; ++t) {
    const at::Tensor key = k[t].unsqueeze(-1);
    memory = memory * decay[t].view({-1, 1, 1});
    const at::Tensor change = (v[t] - (memory * key).sum(1)) * beta[t].unsqueeze(-1);
    memory = memory + key * change.unsqueeze(1);
    read.select(0, t).copy_((memory * q[t].unsqueeze(-1)).sum(1));
    tap.pulse(layer, mixer_part * static_cast<double>(t + 1) / static_cast<double>(positions));
  }
  memory = tap({layer, Site::MixerState}, memory);
  state.set_recurrent(layer, {conv.tail, memory});

  const NormSpec norm{.eps = spec.eps};
  const at::Tensor normed = normalize(norm, {weights.norm, {}}, read.to(x.scalar_type()));
  const at::Tensor gate = at::silu(parts[1].reshape(normed.sizes()).to(at::kFloat));
  const at::Tensor heads_out = (normed * gate).to(x.scalar_type()).reshape({positions, values});
  return tap({layer, Site::AttnOut}, weights.out(tap({layer, Site::AttnHeads}, heads_out)));
}

}  // namespace qkscope
