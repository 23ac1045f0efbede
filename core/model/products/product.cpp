#include "core/model/products/product.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <atomic>
#include <cmath>

#include "core/io/dequantize.h"
#include "core/model/parallel.h"

namespace qkscope {

namespace {

using products::DotRows;
using products::RowKernel;
using products::RowRun;

/// Null where rows of this type can only be expanded.
const RowKernel* find_kernel(ElementType type, Instructions instructions) {
  const auto kernels = made_for(instructions, products::plain_row_kernels, products::avx2_row_kernels,
                                products::avx512_row_kernels);
  for (const RowKernel& kernel : kernels()) {
    if (kernel.type == type) return &kernel;
  }
  return nullptr;
}

/// Room that a thread keeps: fresh pages cost more than what is written to them.
float* scratch(std::int64_t numbers) {
  static thread_local std::vector<float> room;
  if (static_cast<std::int64_t>(room.size()) < numbers) room.resize(static_cast<std::size_t>(numbers));
  return room.data();
}

void expand(const RowRun& run, std::int64_t columns, Instructions instructions, float* out) {
  if (const RowKernel* kernel = find_kernel(run.type, instructions)) {
    kernel->expand(run, columns, out);
    return;
  }
  for (std::int64_t r = 0; r < run.rows; ++r)
    dequantize(run.type, run.first + r * run.stride, columns, out + r * columns);
}

/// y[i * y_stride + r] = row r . x[i] for `inputs` rows of x.
void dot(const RowKernel& kernel, const RowRun& run, std::int64_t columns, const float* x,
         std::int64_t inputs, float* y, std::int64_t y_stride) {
  const auto take = [&](std::int64_t count, DotRows rows) {
    for (; inputs >= count; inputs -= count, x += count * columns, y += count * y_stride)
      rows(run, columns, x, columns, y, y_stride);
  };
  take(4, kernel.dot_four);
  take(2, kernel.dot_two);
  take(1, kernel.dot_one);
}

/// Rows `begin` up to `end` of the matrix times a few rows of x; y begins with row 0.
void multiply_rows(const StoredMatrix& matrix, std::int64_t begin, std::int64_t end, const float* x,
                   std::int64_t inputs, float* y, Instructions instructions) {
  constexpr std::int64_t together = 16;  // rows stay in the cache from four rows of x to the next
  const std::int64_t columns = matrix.columns();
  matrix.each_run(begin, end, [&](const RowRun& run, std::int64_t row) {
    const RowKernel* kernel = find_kernel(run.type, instructions);
    for (std::int64_t r = 0; r < run.rows; r += together) {
      RowRun part{run.type, run.first + r * run.stride, run.stride, std::min(together, run.rows - r)};
      if (!kernel) {
        float* numbers = scratch(together * columns);
        expand(part, columns, instructions, numbers);
        part = {ElementType::F32, reinterpret_cast<const std::byte*>(numbers),
                columns * static_cast<std::int64_t>(sizeof(float)), part.rows};
      }
      dot(kernel ? *kernel : *find_kernel(ElementType::F32, instructions), part, columns, x, inputs,
          y + row + r, matrix.rows());
    }
  });
}

/// Rows of the matrix that are worth a thread of their own.
std::int64_t rows_of_thread(const StoredMatrix& matrix) {
  constexpr std::int64_t numbers = 1 << 15;
  return std::max<std::int64_t>(1, numbers / std::max<std::int64_t>(1, matrix.columns()));
}

void multiply_few(const StoredMatrix& matrix, const at::Tensor& x, const at::Tensor& bias, at::Tensor& out,
                  Instructions instructions) {
  const float* in = x.const_data_ptr<float>();
  float* y = out.mutable_data_ptr<float>();
  const float* add = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  const std::int64_t inputs = x.size(0), rows = matrix.rows();
  at::parallel_for(0, rows, rows_of_thread(matrix), [&](std::int64_t begin, std::int64_t end) {
    multiply_rows(matrix, begin, end, in, inputs, y, instructions);
    for (std::int64_t i = 0; add && i < inputs; ++i) {
      for (std::int64_t r = begin; r < end; ++r) y[i * rows + r] += add[r];
    }
  });
}

void multiply_many(const StoredMatrix& matrix, const at::Tensor& x, const at::Tensor& bias, at::Tensor& out,
                   Instructions instructions) {
  constexpr std::int64_t tile_numbers = 1 << 17, least_rows = 32;  // 512 KiB, as much as stays near a core
  const std::int64_t rows = matrix.rows(), columns = matrix.columns();
  const std::int64_t tile_rows =
      std::max(least_rows, tile_numbers / std::max<std::int64_t>(1, columns) / 16 * 16);
  const bool inference = out.is_inference();
  at::parallel_for(0, (rows + tile_rows - 1) / tile_rows, 1, [&](std::int64_t begin, std::int64_t end) {
    const c10::InferenceMode guard(inference);
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t first = t * tile_rows, count = std::min(tile_rows, rows - first);
      float* numbers = scratch(tile_rows * columns);
      matrix.each_run(first, first + count, [&](const RowRun& run, std::int64_t row) {
        expand(run, columns, instructions, numbers + (row - first) * columns);
      });
      const at::Tensor tile = at::from_blob(numbers, {count, columns}, x.options()).t();
      at::Tensor part = out.narrow(1, first, count);
      if (bias.defined()) {
        at::addmm_out(part, bias.narrow(0, first, count), x, tile);
      } else {
        at::mm_out(part, x, tile);
      }
    }
  });
}

}  // namespace

at::Tensor product(const StoredMatrix& matrix, const at::Tensor& x, const at::Tensor& bias,
                   Instructions instructions) {
  const at::Tensor in = x.reshape({-1, matrix.columns()}).contiguous();
  at::Tensor out = at::empty({in.size(0), matrix.rows()}, in.options());
  const at::Tensor added = bias.defined() ? bias.contiguous() : bias;
  (in.size(0) <= few_rows ? multiply_few : multiply_many)(matrix, in, added, out, instructions);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = matrix.rows();
  return out.view(shape);
}

bool all_finite(const StoredMatrix& matrix) {
  // One pass at the speed of reading; a sum is not finite where a term is not, and seldom else.
  const std::int64_t columns = matrix.columns();
  const std::vector<float> ones(static_cast<std::size_t>(columns), 1.0f);
  std::vector<float> sums(static_cast<std::size_t>(matrix.rows()));
  std::atomic<bool> finite = true;
  at::parallel_for(0, matrix.rows(), rows_of_thread(matrix), [&](std::int64_t begin, std::int64_t end) {
    multiply_rows(matrix, begin, end, ones.data(), 1, sums.data(), best_instructions());
    std::vector<float> numbers;
    for (std::int64_t r = begin; r < end; ++r) {
      if (std::isfinite(sums[static_cast<std::size_t>(r)])) continue;
      numbers.resize(static_cast<std::size_t>(columns));
      matrix.read_row(r, numbers.data());
      if (!std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); })) finite = false;
    }
  });
  return finite;
}

}  // namespace qkscope
