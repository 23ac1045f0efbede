#include "core/model/blocks/causal_conv.h"

#include <ATen/ATen.h>

namespace qkscope {

CausalConv causal_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& before) {
  const std::int64_t channels = x.size(1), tail = weight.size(2) - 1;
  const at::Tensor start = before.defined() ? before : at::zeros({tail, channels}, x.options());
  const at::Tensor all = at::cat({start, x}, 0);  // (tail + T, n)
  const at::Tensor out =
      at::conv1d(all.t().unsqueeze(0), weight, bias.defined() ? std::optional(bias) : std::nullopt,
                 /*stride=*/at::IntArrayRef{1}, /*padding=*/at::IntArrayRef{0},
                 /*dilation=*/at::IntArrayRef{1}, /*groups=*/channels);
  return {out.squeeze(0).t(), all.narrow(0, all.size(0) - tail, tail).clone()};
}

}  // namespace qkscope
