#include "core/analysis/logit_parts.h"

#include <bit>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/last_axis.h"
#include "core/base/wording.h"

namespace qkscope {

bool sees(const AttentionSpec& spec, int query, int key) {
  return key <= query && (spec.window <= 0 || query - key < spec.window) &&
         (spec.chunk <= 0 || query / spec.chunk == key / spec.chunk);
}

double LogitParts::product() const {
  return std::accumulate(dims.begin(), dims.end(), 0.0);
}

std::vector<double> LogitParts::by_pair(const FrequencyAxis& axis) const {
  std::vector<double> pairs(axis.inv_freq().size());
  for (std::size_t dim = 0; dim < dims.size(); ++dim) {
    if (const auto rotary = axis.at(static_cast<int>(dim)))
      pairs.at(static_cast<std::size_t>(rotary->pair)) += dims[dim];
  }
  return pairs;
}

double LogitParts::of(std::span<const std::uint8_t> flags) const {
  double sum = 0;
  for (std::size_t dim = 0; dim < std::min(dims.size(), flags.size()); ++dim)
    sum += flags[dim] ? dims[dim] : 0;
  return sum;
}

namespace {

/// To the next number that bfloat16 has, of two as near the one whose last bit is 0.
float in_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}

double bias_of(const AlibiSpec& alibi, int head, int key) {
  const float slope = alibi.slopes.at(static_cast<std::size_t>(head));
  const auto at = static_cast<float>(key);
  const float bias = alibi.in_bfloat16 ? in_bfloat16(in_bfloat16(slope) * in_bfloat16(at)) : slope * at;
  return static_cast<double>(bias) * alibi.scale;
}

void require_shape(const char* what, const Array& values, int heads, int dims, int position) {
  std::int64_t count = 0;
  const bool fits = values.shape.size() == 3 && values.shape[1] == heads && values.shape[2] == dims &&
                    element_count(values.shape, count) &&
                    count == static_cast<std::int64_t>(values.data.size());
  if (!fits) {
    throw Error(std::string("A logit is made of ") + what + " of shape (positions, " + std::to_string(heads) +
                ", " + std::to_string(dims) + "), not " + shape_text(values.shape) + ".");
  }
  if (position < 0 || position >= values.shape[0]) {
    throw Error(std::string("There is no position ") + std::to_string(position) + " of " + what +
                "; it has " + std::to_string(values.shape[0]) + ", counted from 0.");
  }
}

}  // namespace

LogitParts logit_parts(const AttentionSpec& spec, const Array& q, const Array& k, int head, int query,
                       int key) {
  require_shape("Q", q, spec.num_heads, spec.head_dim, query);
  require_shape("K", k, spec.num_kv_heads, spec.head_dim, key);
  if (head < 0 || head >= spec.num_heads) {
    throw Error("There is no query head " + std::to_string(head + 1) + "; the layer has " +
                std::to_string(spec.num_heads) + ".");
  }
  if (!sees(spec, query, key)) {
    throw Error("The query at position " + std::to_string(query) + " does not see the key at position " +
                std::to_string(key) + ".");
  }
  LogitParts parts;
  const std::span<const float> a = last_axis(q, query, head),
                               b = last_axis(k, key, head / spec.num_kv_groups());
  for (std::size_t d = 0; d < a.size(); ++d)
    parts.dims.push_back(spec.scale * static_cast<double>(a[d]) * static_cast<double>(b[d]));
  if (spec.softcap > 0) {
    const double product = parts.product();
    parts.softcap = spec.softcap * std::tanh(product / spec.softcap) - product;
  }
  if (spec.alibi) parts.bias = bias_of(*spec.alibi, head, key);
  return parts;
}

}  // namespace qkscope
