#include "core/model/blocks/bands.h"

#include <algorithm>

namespace qkscope {

std::int64_t rows_at_once(const at::Tensor& x, std::int64_t rows, std::int64_t work_a_row) {
  // A few tens of milliseconds on two cores; fewer rows than these make products slow.
  constexpr std::int64_t a_moment = 2'000'000'000, fewest = 128, step = 64;
  if (!x.is_cpu()) return rows;
  const std::int64_t fitting = a_moment / std::max<std::int64_t>(1, work_a_row);
  return std::min(rows, std::max(fewest, fitting / step * step));
}

}  // namespace qkscope
