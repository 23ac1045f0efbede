#pragma once
#include <span>

#include "core/base/array.h"

namespace qkscope {

/// The last axis at (first, second) of an array of three: of values (positions, heads, head_dim) a head at a
/// position, of patterns (heads, queries, keys) a query's keys; unchecked.
inline std::span<const float> last_axis(const Array& values, std::int64_t first, std::int64_t second) {
  const std::int64_t count = values.shape[1], width = values.shape[2];
  return std::span(values.data)
      .subspan(static_cast<std::size_t>((first * count + second) * width), static_cast<std::size_t>(width));
}

}  // namespace qkscope
