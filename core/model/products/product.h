#pragma once
#include <ATen/core/Tensor.h>

#include "core/base/instructions.h"
#include "core/model/products/stored_matrix.h"

namespace qkscope {

/// x W^T + b, (n, columns) -> (n, rows), float32 on a CPU; `bias`: (rows) or undefined. A few rows of x are
/// multiplied straight from the blocks, for more the matrix is expanded tile by tile into the cache. The
/// activations are not rounded: the result is that of the matrix in float32 up to the order of additions.
/// That order depends on the sizes alone, not on the number of threads.
at::Tensor product(const StoredMatrix& matrix, const at::Tensor& x, const at::Tensor& bias,
                   Instructions instructions = best_instructions());

/// The most rows of x that are multiplied straight from the blocks.
inline constexpr std::int64_t few_rows = 8;

/// Whether all numbers are finite. Reads the whole matrix.
bool all_finite(const StoredMatrix& matrix);

}  // namespace qkscope
