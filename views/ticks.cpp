#include "views/ticks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qkscope {

namespace {

double niceStep(double span, int count) {
  const double rough = span / std::max(1, count);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10 * power;
}

std::vector<double> linearTicks(double low, double high, int count) {
  const double step = niceStep(high - low, count);
  std::vector<double> result;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; (first + i) * step <= high + 1e-9 * step; ++i) result.push_back((first + i) * step);
  return result;
}

std::vector<double> decades(double low, double high, int count) {
  const int first = static_cast<int>(std::floor(std::log10(low))),
            last = static_cast<int>(std::ceil(std::log10(high)));
  const int every = std::max(1, (last - first + std::max(1, count) - 1) / std::max(1, count));
  const bool few = last - first <= 4;
  std::vector<double> result;
  for (int power = first; power <= last; power += every) {
    for (const double factor : few ? std::vector{1.0, 2.0, 5.0} : std::vector{1.0}) {
      const double value = factor * std::pow(10.0, power);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) result.push_back(value);
    }
  }
  return result;
}

}  // namespace

std::vector<double> ticks(const ColorNorm& norm, int count) {
  if (!(norm.high > norm.low)) return {norm.low};
  switch (norm.scale) {
    case ColorScale::Linear:
      return linearTicks(norm.low, norm.high, count);
    case ColorScale::Log: {
      auto result = decades(norm.low, norm.high, count);
      return result.size() < 2 ? linearTicks(norm.low, norm.high, count) : result;
    }
    case ColorScale::SymLog:
      break;
  }
  const double most = std::max(std::abs(norm.low), std::abs(norm.high));
  std::vector<double> result{0.0};
  for (const double value : decades(norm.linear_below, most, std::max(1, count / 2))) {
    if (value <= norm.high) result.push_back(value);
    if (-value >= norm.low) result.push_back(-value);
  }
  std::sort(result.begin(), result.end());
  return result;
}

int binaryStep(double spacing, double least) {
  int step = 1;
  while (step * spacing < least && step < (1 << 20)) step *= 2;
  return step;
}

int decimalStep(double spacing, double least) {
  for (int power = 1; power < 1000000000; power *= 10) {
    for (const int factor : {1, 2, 5}) {
      if (factor * power * spacing >= least) return factor * power;
    }
  }
  return 1000000000;
}

std::vector<int> labelsFromOne(int first, int last, double spacing, double least) {
  const int step = decimalStep(spacing, least);
  std::vector<int> labels;
  for (int i = first; i <= last; ++i) {
    // Multiples of a round step and the first; of a step of two the odd ones, which begin with it.
    const bool round = step > 2 ? (i + 1) % step == 0 : i % step == 0;
    if (!round && i != 0) continue;
    if (!labels.empty() && (i - labels.back()) * spacing < least) continue;
    labels.push_back(i);
  }
  return labels;
}

}  // namespace qkscope
