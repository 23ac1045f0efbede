#include "core/analysis/attention_sinks.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/last_axis.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

void require_pattern(const Array& pattern) {
  std::int64_t count = 0;
  if (pattern.shape.size() == 3 && pattern.shape[1] == pattern.shape[2] &&
      element_count(pattern.shape, count) && count == static_cast<std::int64_t>(pattern.data.size()))
    return;
  throw Error("Sinks are sought in (heads, positions, positions), not in an array of shape " +
              shape_text(pattern.shape));
}

}  // namespace

std::vector<SinkScore> sink_scores(const Array& pattern, const Array* values) {
  require_pattern(pattern);
  constexpr double threshold = 0.3;
  const std::int64_t heads = pattern.shape[0], positions = pattern.shape[1];
  std::int64_t count = 0;
  if (values && (values->shape.size() != 3 || values->shape[0] != positions || values->shape[1] < 1 ||
                 heads % values->shape[1] != 0 || !element_count(values->shape, count) ||
                 count != static_cast<std::int64_t>(values->data.size()))) {
    throw Error("Values of " + std::to_string(positions) + " positions and heads of which " +
                std::to_string(heads) + " is a multiple were expected, not " + shape_text(values->shape));
  }
  std::vector<SinkScore> scores(static_cast<std::size_t>(positions));
  for (std::int64_t head = 0; head < heads; ++head) {
    const std::vector<double> lengths =
        values ? head_lengths(*values, static_cast<int>(head / (heads / values->shape[1])))
               : std::vector<double>(scores.size());
    for (std::int64_t key = 0; key < positions; ++key) {
      double sum = 0;
      for (std::int64_t query = key; query < positions; ++query)
        sum += static_cast<double>(last_axis(pattern, head, query)[static_cast<std::size_t>(key)]);
      const double mean = sum / static_cast<double>(positions - key);
      SinkScore& score = scores[static_cast<std::size_t>(key)];
      score.mass += mean / static_cast<double>(heads);
      score.added += mean * lengths[static_cast<std::size_t>(key)] / static_cast<double>(heads);
      if (mean > threshold) score.share += 1.0 / static_cast<double>(heads);
    }
  }
  return scores;
}

std::vector<double> head_lengths(const Array& values, int kv_head) {
  std::vector<double> lengths;
  for (std::int64_t position = 0; position < values.shape[0]; ++position) {
    double squares = 0;
    for (const float x : last_axis(values, position, kv_head))
      squares += static_cast<double>(x) * static_cast<double>(x);
    lengths.push_back(std::sqrt(squares));
  }
  return lengths;
}

double mean_entropy(const Array& pattern) {
  require_pattern(pattern);
  const std::int64_t heads = pattern.shape[0], positions = pattern.shape[1];
  const auto part = [](double p) { return p > 0 ? -p * std::log(p) : 0.0; };
  double sum = 0;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t query = 0; query < positions; ++query) {
      double rest = 1;
      for (const float p : last_axis(pattern, head, query)) {
        sum += part(static_cast<double>(p));
        rest -= static_cast<double>(p);
      }
      if (rest > 1e-5) sum += part(rest);  // less is rounding
    }
  }
  return sum / static_cast<double>(std::max<std::int64_t>(1, heads * positions));
}

}  // namespace qkscope
