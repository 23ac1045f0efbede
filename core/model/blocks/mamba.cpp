#include "core/model/blocks/mamba.h"

#include <ATen/ATen.h>

#include "core/model/blocks/bands.h"
#include "core/model/blocks/causal_conv.h"

namespace qkscope {

at::Tensor mamba(const MambaSpec& spec, const MambaWeights& weights, int layer, const at::Tensor& x,
                 State& state, Tap& tap) {
  const std::int64_t positions = x.size(0);
  const std::vector<at::Tensor> parts = weights.in(x).chunk(2, 1);  // input, gate
  const std::vector<at::Tensor>& before = state.recurrent(layer);   // conv inputs, the state
  const CausalConv conv =
      causal_conv(parts[0], weights.conv, weights.conv_bias, before.empty() ? at::Tensor() : before[0]);
  const at::Tensor u = activate(spec.activation, conv.out);  // (T, inner)

  const std::vector<at::Tensor> selected =
      weights.x(u).split_with_sizes({spec.dt_rank, spec.state_size, spec.state_size}, 1);
  const auto inner_norm = [&](const NormWeights& norm, const at::Tensor& t) {
    return spec.inner_norms ? normalize(*spec.inner_norms, norm, t.contiguous()) : t;
  };
  const at::Tensor dt = at::softplus(weights.dt(inner_norm(weights.dt_norm, selected[0])));  // (T, inner)
  const at::Tensor b = inner_norm(weights.b_norm, selected[1]).to(at::kFloat);               // (T, state)
  const at::Tensor c = inner_norm(weights.c_norm, selected[2]);
  const at::Tensor a = weights.a_log.exp().neg();  // (inner, state)

  at::Tensor memory = before.empty() ? at::zeros({spec.inner_size, spec.state_size}, a.options()) : before[1];
  at::Tensor read = at::empty(u.sizes(), u.options());
  for (std::int64_t t = 0; t < positions; ++t) {
    const at::Tensor step = dt[t].unsqueeze(-1).to(at::kFloat);  // (inner, 1)
    memory = (a * step).exp() * memory + step * b[t] * u[t].unsqueeze(-1).to(at::kFloat);
    read.select(0, t).copy_(at::mv(memory.to(u.scalar_type()), c[t]));
    tap.pulse(layer, mixer_part * static_cast<double>(t + 1) / static_cast<double>(positions));
  }
  memory = tap({layer, Site::MixerState}, memory);
  state.set_recurrent(layer, {conv.tail, memory});
  const at::Tensor out = ((read + u * weights.d) * at::silu(parts[1])).to(u.scalar_type());
  return tap({layer, Site::AttnOut}, weights.out(tap({layer, Site::AttnHeads}, out)));
}

}  // namespace qkscope
