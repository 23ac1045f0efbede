#pragma once
#include <map>
#include <vector>

#include "core/base/activations.h"
#include "core/base/array.h"
#include "core/base/site.h"

namespace qkscope {

/// M of sites, M[h, d] = sqrt(sum over positions of x^2): (heads, head_dim).
using Norms = std::map<SiteId, SharedArray>;

/// What was kept of one prefill, on the host.
struct Capture {
  Norms norms;                           // over all positions
  Norms without;                         // over all but `left_out`; empty where that is
  std::vector<int> left_out;             // positions, sorted
  std::map<SiteId, SharedArray> values;  // (positions, heads, head_dim)
  std::map<SiteId, ActivationSummary> activations;
  std::map<HeadId, SharedArray>
      patterns;  // (positions, positions): what each position attends to, after softmax
  std::map<SiteId, SharedArray> row_norms;  // (positions): L2 norm of each position's numbers
  int positions = 0;

  const Array* norm(int layer, Site site) const;
  const Array* value(int layer, Site site) const;
  const Array* pattern(HeadId head) const;
  bool operator==(const Capture&) const = default;
};

}  // namespace qkscope
