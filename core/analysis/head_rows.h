#pragma once
#include <span>

#include "core/base/array.h"

namespace qkscope {

/// The numbers of one head at one position, of values (positions, heads, head_dim); unchecked.
inline std::span<const float> head_row(const Array& values, std::int64_t position, std::int64_t head) {
  const std::int64_t heads = values.shape[1], dims = values.shape[2];
  return std::span(values.data)
      .subspan(static_cast<std::size_t>((position * heads + head) * dims), static_cast<std::size_t>(dims));
}

}  // namespace qkscope
