#include "core/tasks/statistics.h"

#include <algorithm>
#include <cmath>

namespace qkscope {

std::pair<double, double> mean_and_deviation(const std::vector<double>& values) {
  Mean mean, squares;
  for (const double value : values) mean.add(value);
  const double centre = mean.value().value_or(0);
  for (const double value : values) squares.add((value - centre) * (value - centre));
  return {centre, std::sqrt(squares.value().value_or(0))};
}

Interval wilson(std::int64_t right, std::int64_t count) {
  if (count <= 0) return {};
  constexpr double z = 1.959963984540054;
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(right) / n, over = 1 + z * z / n;
  const double centre = (share + z * z / (2 * n)) / over;
  const double half = z / over * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  // At the ends the formula gives exactly 0 and 1, and rounding something next to them.
  return {right == 0 ? 0 : std::max(0.0, centre - half), right == count ? 1 : std::min(1.0, centre + half)};
}

double mcnemar_exact(std::int64_t only_first, std::int64_t only_second) {
  const auto n = static_cast<double>(only_first + only_second);
  const std::int64_t fewer = std::min(only_first, only_second);
  double tail = 0;
  for (std::int64_t i = 0; i <= fewer; ++i) {
    const auto k = static_cast<double>(i);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

Interval paired_difference(std::int64_t both, std::int64_t only_first, std::int64_t only_second,
                           std::int64_t neither) {
  const std::int64_t count = both + only_first + only_second + neither;
  if (count <= 0) return {-1, 1};
  const auto n = static_cast<double>(count);
  const std::int64_t first = both + only_first, second = both + only_second;
  const double p1 = static_cast<double>(first) / n, p2 = static_cast<double>(second) / n;
  const Interval i1 = wilson(first, count), i2 = wilson(second, count);
  const auto product = static_cast<double>(first) * static_cast<double>(count - first) *
                       static_cast<double>(second) * static_cast<double>(count - second);
  double determinant = static_cast<double>(both) * static_cast<double>(neither) -
                       static_cast<double>(only_first) * static_cast<double>(only_second);
  if (determinant > 0) determinant = std::max(0.0, determinant - n / 2);
  const double phi = product > 0 ? determinant / std::sqrt(product) : 0;
  const auto reach = [phi](double a, double b) {
    return std::sqrt(std::max(0.0, a * a - 2 * phi * a * b + b * b));
  };
  const double difference = p2 - p1;
  return {std::max(-1.0, difference - reach(p2 - i2.low, i1.high - p1)),
          std::min(1.0, difference + reach(i2.high - p2, p1 - i1.low))};
}

}  // namespace qkscope
