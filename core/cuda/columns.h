#pragma once
#include <torch/headeronly/macros/Macros.h>

#include <cmath>
#include <cstdint>

// What the CUDA kernels compute, as functions that also run on the host, where tests hold them against ATen.
namespace qkscope::cuda {

/// Where the columns of a (position, head, head_dim) tensor lie in memory: strides in elements, head_dim
/// dense.
struct Columns {
  std::int64_t positions;
  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t position_stride;
  std::int64_t head_stride;

  C10_HOST_DEVICE std::int64_t count() const { return heads * head_dim; }
  /// The first element of column head * head_dim + dim.
  C10_HOST_DEVICE std::int64_t offset(std::int64_t column) const {
    return column / head_dim * head_stride + column % head_dim;
  }
};

/// A sum of squares in float32 that keeps what rounding cuts off (Kahan, Comm. ACM 8(1), 1965): its error
/// does not grow with the number of positions. An aggregate without initialisers, so that it can stand in
/// shared memory.
struct SquareSum {
  float sum;
  float lost;  // what `sum` has too much

  C10_HOST_DEVICE void add(float term) {
    const float corrected = term - lost;
    const float next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  C10_HOST_DEVICE void merge(const SquareSum& other) {
    add(other.sum);
    add(-other.lost);
  }
};

/// One lane's share of a column: positions first, first + step, ...
template <typename Scalar>
C10_HOST_DEVICE SquareSum sum_of_squares(const Scalar* x, const Columns& columns, std::int64_t column,
                                         std::int64_t first, std::int64_t step) {
  SquareSum squares{0.0F, 0.0F};
  const Scalar* at = x + columns.offset(column);
  for (std::int64_t position = first; position < columns.positions; position += step) {
    const auto value = static_cast<float>(at[position * columns.position_stride]);
    squares.add(value * value);
  }
  return squares;
}

/// The L2 norm of a column from its lanes, `stride` apart, always added in the same order: same input, same
/// output.
C10_HOST_DEVICE inline float norm_of_lanes(const SquareSum* lanes, int count, int stride) {
  SquareSum total = lanes[0];
  for (int lane = 1; lane < count; ++lane) total.merge(lanes[lane * stride]);
  return std::sqrt(total.sum);
}

/// Writes `value` into positions first, first + step, ... of a column.
template <typename Scalar>
C10_HOST_DEVICE void fill_column(Scalar* x, const Columns& columns, std::int64_t column, float value,
                                 std::int64_t first, std::int64_t step) {
  Scalar* at = x + columns.offset(column);
  const auto converted = static_cast<Scalar>(value);
  for (std::int64_t position = first; position < columns.positions; position += step) {
    at[position * columns.position_stride] = converted;
  }
}

}  // namespace qkscope::cuda
