#include "core/analysis/attention_sinks.h"

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

std::vector<SinkScore> sink_scores(const Array& pattern) {
  std::int64_t count = 0;
  if (pattern.shape.size() != 3 || pattern.shape[1] != pattern.shape[2] ||
      !element_count(pattern.shape, count) || count != static_cast<std::int64_t>(pattern.data.size())) {
    throw Error("Sinks are sought in (heads, positions, positions), not in an array of shape " +
                shape_text(pattern.shape));
  }
  constexpr double threshold = 0.3;
  const auto heads = static_cast<std::size_t>(pattern.shape[0]),
             positions = static_cast<std::size_t>(pattern.shape[1]);
  std::vector<SinkScore> scores(positions);
  for (std::size_t key = 0; key < positions; ++key) {
    for (std::size_t head = 0; head < heads; ++head) {
      double sum = 0;
      for (std::size_t query = key; query < positions; ++query)
        sum += static_cast<double>(pattern.data[(head * positions + query) * positions + key]);
      const double mean = sum / static_cast<double>(positions - key);
      scores[key].mass += mean / static_cast<double>(heads);
      if (mean > threshold) scores[key].share += 1.0 / static_cast<double>(heads);
    }
  }
  return scores;
}

}  // namespace qkscope
