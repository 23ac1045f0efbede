#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include <algorithm>

#include "core/cuda/kernels.h"

namespace qkscope::cuda {
namespace {

// A warp reads 32 neighbouring columns of one position: whole memory sectors. Its lanes share out the
// positions.
constexpr int kColumnsPerBlock = 32;
constexpr int kNormLanes = 32;
constexpr int kFillLanes = 8;
constexpr std::int64_t kPositionsPerFill = 64;

template <typename Scalar>
__global__ void __launch_bounds__(kColumnsPerBlock* kNormLanes)
    column_norms_kernel(const Scalar* x, Columns columns, float* norms) {
  __shared__ SquareSum lanes[kNormLanes * kColumnsPerBlock];
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumnsPerBlock + threadIdx.x;
  if (column < columns.count()) {
    lanes[threadIdx.y * kColumnsPerBlock + threadIdx.x] =
        sum_of_squares(x, columns, column, threadIdx.y, kNormLanes);
  }
  __syncthreads();
  if (threadIdx.y == 0 && column < columns.count()) {
    norms[column] = norm_of_lanes(lanes + threadIdx.x, kNormLanes, kColumnsPerBlock);
  }
}

template <typename Scalar>
__global__ void __launch_bounds__(kColumnsPerBlock* kFillLanes)
    replace_columns_kernel(Scalar* x, Columns columns, const bool* mask, const float* values) {
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumnsPerBlock + threadIdx.x;
  if (column >= columns.count() || !mask[column]) return;
  fill_column(x, columns, column, values[column], std::int64_t{blockIdx.y} * kFillLanes + threadIdx.y,
              std::int64_t{gridDim.y} * kFillLanes);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Calls run(Scalar*) with x as what it points to.
template <typename Run>
void with_scalars(void* x, ScalarKind kind, const Run& run) {
  switch (kind) {
    case ScalarKind::Float:
      return run(static_cast<float*>(x));
    case ScalarKind::Double:
      return run(static_cast<double*>(x));
    case ScalarKind::Half:
      return run(static_cast<c10::Half*>(x));
    case ScalarKind::BFloat16:
      return run(static_cast<c10::BFloat16*>(x));
  }
}

}  // namespace

cudaError_t column_norms(const void* x, ScalarKind kind, const Columns& columns, float* norms,
                         cudaStream_t stream) {
  if (columns.count() == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(ceil_div(columns.count(), kColumnsPerBlock)));
  with_scalars(const_cast<void*>(x), kind, [&](const auto* scalars) {
    column_norms_kernel<<<grid, dim3(kColumnsPerBlock, kNormLanes), 0, stream>>>(scalars, columns, norms);
  });
  return cudaGetLastError();
}

cudaError_t replace_columns(void* x, ScalarKind kind, const Columns& columns, const bool* mask,
                            const float* values, cudaStream_t stream) {
  if (columns.count() == 0 || columns.positions == 0) return cudaSuccess;
  const std::int64_t chunks = std::min<std::int64_t>(
      ceil_div(columns.positions, kFillLanes * kPositionsPerFill), 65535);  // the largest grid in y
  const dim3 grid(static_cast<unsigned>(ceil_div(columns.count(), kColumnsPerBlock)),
                  static_cast<unsigned>(chunks));
  with_scalars(x, kind, [&](auto* scalars) {
    replace_columns_kernel<<<grid, dim3(kColumnsPerBlock, kFillLanes), 0, stream>>>(scalars, columns, mask,
                                                                                    values);
  });
  return cudaGetLastError();
}

}  // namespace qkscope::cuda
