#include "views/chart.h"

#include <algorithm>
#include <cmath>

namespace qkscope {

int chartColumns(std::size_t charts, const QSizeF& place) {
  constexpr double best = 1.6;  // width over height of a chart
  const int count = std::max(1, static_cast<int>(charts));
  const auto columns = [count](int rows) { return (count + rows - 1) / rows; };
  const auto misfit = [&](int rows) {
    const double width = place.width() / columns(rows), height = std::max(1.0, place.height()) / rows;
    return std::abs(std::log(std::max(1.0, width) / height / best));
  };
  int rows = 1;
  for (int more = 2; more <= count; ++more) {
    if (misfit(more) < misfit(rows)) rows = more;
  }
  return columns(rows);
}

}  // namespace qkscope
