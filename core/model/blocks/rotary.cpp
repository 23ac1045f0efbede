#include "core/model/blocks/rotary.h"

#include <ATen/ATen.h>

#include "core/model/rope.h"
#include "core/model/rows/rows.h"

namespace qkscope {

Rotation make_rotation(const RopeSpec& spec, int max_position_embeddings, int past, int positions,
                       at::Device device, at::ScalarType dtype) {
  const RopeFrequencies frequencies = rope_frequencies(spec, max_position_embeddings, past + positions);
  // Angles in double, so that late positions keep their last digits.
  const at::Tensor inv_freq = at::tensor(frequencies.inv_freq, at::kDouble);
  const at::Tensor angles = at::outer(at::arange(past, past + positions, at::kDouble), inv_freq).unsqueeze(1);
  const auto finish = [&](const at::Tensor& x) {
    return (x * frequencies.attention_factor).to(device, dtype);
  };
  return {finish(angles.cos()), finish(angles.sin())};
}

at::Tensor rotate(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x) {
  if (rows::readable(x) && rows::readable(rotation.cos)) return rows::rotated(spec, rotation, x);
  const std::int64_t start = spec.rotary_start, half = spec.rotary_dim / 2, end = start + 2 * half;
  // The two halves of the rotating dims: members of one pair stand at the same place in both.
  const auto members = [&](const at::Tensor& t) {
    if (spec.interleaved) return std::pair(t.slice(2, start, end, 2), t.slice(2, start + 1, end, 2));
    return std::pair(t.narrow(2, start, half), t.narrow(2, start + half, half));
  };
  at::Tensor result = at::empty(x.sizes(), x.options());  // (T, heads, D)
  const auto [first, second] = members(x);
  auto [first_out, second_out] = members(result);
  at::mul_out(first_out, first, rotation.cos).addcmul_(second, rotation.sin, -1);
  at::mul_out(second_out, second, rotation.cos).addcmul_(first, rotation.sin);
  if (start > 0) result.narrow(2, 0, start).copy_(x.narrow(2, 0, start));
  if (const std::int64_t rest = x.size(2) - end; rest > 0)
    result.narrow(2, end, rest).copy_(x.narrow(2, end, rest));
  return result;
}

}  // namespace qkscope
