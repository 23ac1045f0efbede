#include "core/model/blocks/mlp.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/model/blocks/bands.h"
#include "core/model/rows/rows.h"

namespace qkscope {

namespace {

/// The kernel for its gate, where there is one.
std::optional<rows::Gate> kernel_of(const MlpSpec& spec) {
  if (!spec.gated || spec.limit > 0) return std::nullopt;
  if (spec.activation == Activation::Silu) return rows::Gate::Silu;
  if (spec.activation == Activation::GeluTanh) return rows::Gate::GeluTanh;
  return std::nullopt;
}

/// (T, intermediate_size)
at::Tensor hidden_numbers(const MlpSpec& spec, const at::Tensor& x) {
  if (!spec.gated) return activate(spec.activation, x);
  if (const auto gate = kernel_of(spec); gate && rows::readable(x)) return rows::gated(*gate, x);
  const std::vector<at::Tensor> parts = x.chunk(2, -1);  // gate, up
  if (spec.limit <= 0) return activate(spec.activation, parts[0]).mul_(parts[1]);
  const at::Tensor gate = parts[0].clamp_max(spec.limit), up = parts[1].clamp(-spec.limit, spec.limit);
  return gate * (gate * spec.alpha).sigmoid() * (up + 1);
}

/// `product` of rows of x, some of them at a time, to (T, columns). So much of the layer is done before, and
/// so much by it.
template <typename Product>
at::Tensor in_parts(const at::Tensor& x, std::int64_t columns, std::int64_t work_a_row, int layer,
                    double before, double share, Tap& tap, const Product& product) {
  const std::int64_t rows = x.size(0), at_once = rows_at_once(x, rows, work_a_row);
  if (at_once >= rows) return product(x);
  at::Tensor out = at::empty({rows, columns}, x.options());
  for (std::int64_t start = 0; start < rows; start += at_once) {
    const std::int64_t count = std::min(at_once, rows - start);
    out.narrow(0, start, count).copy_(product(x.narrow(0, start, count)));
    tap.pulse(layer, before + share * static_cast<double>(start + count) / static_cast<double>(rows));
  }
  return out;
}

}  // namespace

bool computed_by_row(const MlpSpec& spec) {
  const bool exact = spec.activation == Activation::Relu && spec.limit <= 0;
  return kernel_of(spec) || exact;
}

at::Tensor mlp(const MlpSpec& spec, const MlpWeights& weights, int layer, const at::Tensor& x, Tap& tap) {
  const std::int64_t inner = spec.intermediate_size, work = 2 * x.size(1) * inner;
  const int up_products = spec.gated ? 2 : 1;
  const double half = (1 - mixer_part) / 2;
  at::Tensor hidden =
      in_parts(x, inner, work * up_products, layer, mixer_part, half, tap,
               [&](const at::Tensor& rows) { return hidden_numbers(spec, weights.up(rows)); });
  if (layer >= 0) hidden = tap({layer, Site::MlpHidden}, hidden);
  return in_parts(hidden, x.size(1), work, layer, mixer_part + half, half, tap,
                  [&](const at::Tensor& rows) { return weights.down(rows); });
}

}  // namespace qkscope
