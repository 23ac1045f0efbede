#include "core/base/activations.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace qkscope {

ActivationRule looser(const ActivationRule& a, const ActivationRule& b) {
  return {std::min(a.least, b.least), std::min(a.times_median, b.times_median)};
}

std::vector<ActivationAt> ActivationSummary::taken_by(const ActivationRule& stricter) const {
  std::vector<ActivationAt> taken;
  std::ranges::copy_if(massive, std::back_inserter(taken), [&](const ActivationAt& a) {
    return stricter.takes(std::abs(static_cast<double>(a.value)), static_cast<double>(median));
  });
  return taken;
}

}  // namespace qkscope
