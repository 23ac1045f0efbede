#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/io/tensor_entry.h"

namespace qkscope::products {

/// Rows of a matrix as a file stores them, all of one type and at equal distances.
struct RowRun {
  ElementType type = ElementType::F32;
  const std::byte* first = nullptr;
  std::int64_t stride = 0;  // bytes from one row to the next
  std::int64_t rows = 0;
};

/// y[i * y_stride + r] = row r . (x + i * x_stride), for as many i as the function is named for.
using DotRows = void (*)(const RowRun& run, std::int64_t columns, const float* x, std::int64_t x_stride,
                         float* y, std::int64_t y_stride);
/// The rows' numbers, one row after the other.
using ExpandRows = void (*)(const RowRun& run, std::int64_t columns, float* out);

/// What multiplies rows of one type straight from their blocks, in float32.
struct RowKernel {
  ElementType type;
  std::int64_t elements, bytes;  // of the pieces a row is read in: a block, or 32 plain numbers
  DotRows dot_one, dot_two, dot_four;
  ExpandRows expand;
};

// The same kernels for each set of instructions, each compiled with its own options; empty where the program
// is built for processors that never have them.
std::span<const RowKernel> plain_row_kernels();
std::span<const RowKernel> avx2_row_kernels();
std::span<const RowKernel> avx512_row_kernels();

}  // namespace qkscope::products
