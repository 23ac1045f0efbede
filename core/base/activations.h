#pragma once
#include <vector>

namespace qkscope {

/// Which numbers h of a (T, C) site, of the residual stream first of all, are massive activations: |h| >
/// least and |h| > times_median * the lower median of all |h| of that layer. The numbers are the published
/// ones (Sun et al. 2024, arXiv 2402.17762; arXiv 2503.22329, equation 1).
struct ActivationRule {
  double least = 100;
  double times_median = 1000;

  bool takes(double magnitude, double median) const {
    return magnitude > least && magnitude > times_median * median;
  }
  bool operator==(const ActivationRule&) const = default;
};

/// Takes all that either takes.
ActivationRule looser(const ActivationRule& a, const ActivationRule& b);

/// One number of a (T, C) site, signed.
struct ActivationAt {
  int position = 0;
  int dim = 0;
  float value = 0;
  bool operator==(const ActivationAt&) const = default;
};

/// What is kept of a (T, C) site: its largest numbers, its middle, and all that a rule takes.
struct ActivationSummary {
  std::vector<ActivationAt> top;      // largest |h| first; NaN before all
  float median = 0;                   // the lower median of |h|
  ActivationRule rule;                // what `massive` holds
  std::vector<ActivationAt> massive;  // by position, then dim
  std::vector<ActivationAt>
      largest;  // of each position the largest |h|, NaN before all; where it was asked for

  /// Those of `massive` that `stricter` takes, neither of whose numbers is below this rule's.
  std::vector<ActivationAt> taken_by(const ActivationRule& stricter) const;
  bool operator==(const ActivationSummary&) const = default;
};

}  // namespace qkscope
