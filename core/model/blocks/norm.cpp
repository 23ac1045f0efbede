#include "core/model/blocks/norm.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/model/rows/rows.h"

namespace qkscope {

at::Tensor normalize(const NormSpec& spec, const NormWeights& weights, const at::Tensor& x) {
  const std::int64_t size[] = {x.size(-1)};
  const auto given = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional(tensor) : std::nullopt;
  };
  // A weight held in more digits than x: the product is rounded once, at the end.
  const bool wide = weights.weight.defined() && weights.weight.scalar_type() != x.scalar_type();
  const at::Tensor input = wide ? x.to(weights.weight.scalar_type()) : x;
  const bool rms = spec.kind == NormSpec::Kind::Rms;
  if (rms && rows::readable(input)) {
    const at::Tensor normed = rows::rms_norm(input, weights.weight, spec.eps);
    return wide ? normed.to(x.scalar_type()) : normed;
  }
  const at::Tensor normed =
      rms ? at::rms_norm(input, size, given(weights.weight), spec.eps)
          : at::layer_norm(input, size, given(weights.weight), given(weights.bias), spec.eps);
  return wide ? normed.to(x.scalar_type()) : normed;
}

at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::Silu:
      return at::silu(x);
    case Activation::Gelu:
      return at::gelu(x, "none");
    case Activation::GeluTanh:
      return at::gelu(x, "tanh");
    case Activation::Relu:
      return at::relu(x);
  }
  throw Error("Unknown activation.");
}

}  // namespace qkscope
