#pragma once
#include <vector>

#include "core/base/array.h"

namespace qkscope {

/// How much of a layer's attention goes to one key position.
struct SinkScore {
  double mass = 0;   // attention to it, meaned over the queries that see it and over the heads
  double share = 0;  // of the heads, those whose mean over these queries is above 0.3
};

/// Of every position, of a pattern (heads, positions, positions) after softmax. Throws Error for another
/// shape.
std::vector<SinkScore> sink_scores(const Array& pattern);

}  // namespace qkscope
