#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace qkscope {

/// From low to high.
struct Interval {
  double low = 0, high = 1;
  bool operator==(const Interval&) const = default;
};

/// A mean that grows value by value.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  /// Nothing where there is no value.
  std::optional<double> value() const {
    return count_ > 0 ? std::optional(sum_ / static_cast<double>(count_)) : std::nullopt;
  }

 private:
  double sum_ = 0;
  std::int64_t count_ = 0;
};

/// The mean of values and their standard deviation from it, that of all of them (not of a sample).
std::pair<double, double> mean_and_deviation(const std::vector<double>& values);

/// Wilson's score interval of a share, `right` of `count` tries, at 95 % (Wilson 1927; z = 1.959964); the
/// whole of 0 to 1 where nothing was tried.
Interval wilson(std::int64_t right, std::int64_t count);

/// McNemar's exact test: how probable it is, were two arms equally good, that the items on which they differ
/// fall at least as unevenly, `only_first` right in the first alone, `only_second` in the second alone.
/// Two-sided binomial with 1/2; 1 where they differ on none.
double mcnemar_exact(std::int64_t only_first, std::int64_t only_second);

/// The 95 % interval of the difference of two shares of the same items, second less first, by Newcombe's
/// method for paired shares (1998, its method 10): `both` right in both
/// arms, `neither` in none.
Interval paired_difference(std::int64_t both, std::int64_t only_first, std::int64_t only_second,
                           std::int64_t neither);

}  // namespace qkscope
