#pragma once
#include <map>

#include "core/base/activations.h"
#include "core/base/array.h"
#include "core/base/site.h"

namespace qkscope {

/// What was kept of one prefill, on the host.
struct Capture {
  std::map<SiteId, SharedArray> norms;   // M[h, d] = sqrt(sum over positions of x^2): (heads, head_dim)
  std::map<SiteId, SharedArray> values;  // (positions, heads, head_dim)
  std::map<SiteId, ActivationSummary> activations;
  std::map<HeadId, SharedArray>
      patterns;  // (positions, positions): what each position attends to, after softmax
  int positions = 0;

  const Array* norm(int layer, Site site) const;
  const Array* value(int layer, Site site) const;
  const Array* pattern(HeadId head) const;
  bool operator==(const Capture&) const = default;
};

}  // namespace qkscope
