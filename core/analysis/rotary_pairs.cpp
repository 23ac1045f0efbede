#include "core/analysis/rotary_pairs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/logit_parts.h"
#include "core/base/error.h"
#include "core/base/last_axis.h"
#include "core/base/wording.h"

namespace qkscope {

std::vector<PairMean> pair_means(const Array& values, const FrequencyAxis& axis, int head) {
  std::int64_t count = 0;
  const bool fits = values.shape.size() == 3 && element_count(values.shape, count) &&
                    count == static_cast<std::int64_t>(values.data.size()) && head >= 0 &&
                    head < values.shape[1] && values.shape[2] >= axis.least_head_dim();
  if (!fits) {
    throw Error("The rotary pairs of head " + std::to_string(head + 1) +
                " are sought in (positions, heads, head_dim), not in " + shape_text(values.shape) + ".");
  }
  const std::int64_t positions = values.shape[0];
  std::vector<PairMean> means(axis.inv_freq().size());
  for (std::size_t pair = 0; pair < means.size(); ++pair) {
    const auto [first, second] = axis.dims_of(static_cast<int>(pair));
    PairMean& mean = means[pair];
    for (std::int64_t t = 0; t < positions; ++t) {
      const std::span<const float> row = last_axis(values, t, head);
      const auto x = static_cast<double>(row[static_cast<std::size_t>(first)]),
                 y = static_cast<double>(row[static_cast<std::size_t>(second)]);
      mean.x += x;
      mean.y += y;
      mean.length += std::hypot(x, y);
    }
    if (mean.length > 0) mean.agreement = std::hypot(mean.x, mean.y) / mean.length;
    for (double* sum : {&mean.x, &mean.y, &mean.length})
      *sum /= std::max(1.0, static_cast<double>(positions));
  }
  return means;
}

std::vector<double> predicted_logits(const PairMean& q, const PairMean& k, double inv_freq, double scale,
                                     int distances) {
  std::vector<double> logits;
  const double size = scale * std::hypot(q.x, q.y) * std::hypot(k.x, k.y),
               angle = std::atan2(q.y, q.x) - std::atan2(k.y, k.x);
  for (int distance = 0; distance < distances; ++distance)
    logits.push_back(size * std::cos(distance * inv_freq + angle));
  return logits;
}

std::vector<double> measured_logits(const AttentionSpec& spec, const Array& q, const Array& k, int head,
                                    std::pair<int, int> dims) {
  const auto positions = static_cast<int>(std::min(q.size(0), k.size(0)));
  std::vector<double> sums(static_cast<std::size_t>(positions)), counts = sums;
  for (int query = 0; query < positions; ++query) {
    for (int key = 0; key <= query; ++key) {
      if (!sees(spec, query, key)) continue;
      const std::span<const float> a = last_axis(q, query, head),
                                   b = last_axis(k, key, head / spec.num_kv_groups());
      const auto distance = static_cast<std::size_t>(query - key);
      for (const int dim : {dims.first, dims.second}) {
        const auto d = static_cast<std::size_t>(dim);
        sums[distance] += spec.scale * static_cast<double>(a[d]) * static_cast<double>(b[d]);
      }
      ++counts[distance];
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    sums[i] = counts[i] > 0 ? sums[i] / counts[i] : std::numeric_limits<double>::quiet_NaN();
  return sums;
}

}  // namespace qkscope
