#pragma once
#include "core/model/products/block_lanes.h"
#include "core/model/products/row_kernels.h"

// The loops over rows and blocks, written once: see block_lanes.h.
namespace qkscope::products {

/// Adds up the products of a row's numbers with `inputs` vectors.
template <typename L, int inputs>
struct DotTake {
  const float* x;
  std::int64_t x_stride;
  typename L::Floats sums[inputs][2];  // two chains: an addition waits for the one before

  DotTake(const float* from, std::int64_t stride) : x(from), x_stride(stride) {
#pragma GCC unroll 4  // or the sums go through memory
    for (int i = 0; i < inputs; ++i) sums[i][0] = sums[i][1] = L::zero();
  }
  void pair(int first, typename L::Floats a, typename L::Floats b) {
#pragma GCC unroll 4
    for (int i = 0; i < inputs; ++i) {
      const float* in = x + i * x_stride + first;
      sums[i][0] = L::multiply_add(a, L::load(in), sums[i][0]);
      sums[i][1] = L::multiply_add(b, L::load(in + 16), sums[i][1]);
    }
  }
  float total(int i) const {
    return L::sum(L::add(sums[i][0], sums[i][1]));
  }
};

/// Writes a row's numbers down.
template <typename L>
struct ExpandTake {
  float* out;
  void pair(int first, typename L::Floats a, typename L::Floats b) {
    L::store(out + first, a);
    L::store(out + first + 16, b);
  }
};

/// The numbers after a row's last whole piece, with zeros behind them. Only rows of plain numbers have some.
template <typename Block>
struct Tail {
  std::int64_t count;
  Byte bytes[Block::bytes] = {};
  Tail(const Byte* row, std::int64_t columns) : count(columns % Block::elements) {
    constexpr int number = Block::bytes / Block::elements;
    if (count > 0)
      __builtin_memcpy(bytes, row + (columns - count) * number, static_cast<std::size_t>(count * number));
  }
};

template <typename L, typename Block, int inputs>
void dot_rows(const RowRun& run, std::int64_t columns, const float* x, std::int64_t x_stride, float* y,
              std::int64_t y_stride) {
  const std::int64_t pieces = columns / Block::elements, rest = columns % Block::elements;
  float last[inputs][32] = {};  // of x
  for (int i = 0; i < inputs; ++i) {
    for (std::int64_t j = 0; j < rest; ++j) last[i][j] = x[i * x_stride + columns - rest + j];
  }
  for (std::int64_t r = 0; r < run.rows; ++r) {
    const Byte* row = reinterpret_cast<const Byte*>(run.first) + r * run.stride;
    DotTake<L, inputs> take(x, x_stride);
    for (std::int64_t p = 0; p < pieces; ++p, take.x += Block::elements)
      Block::visit(row + p * Block::bytes, take);
    if (rest > 0) {
      const Tail<Block> tail(row, columns);
      take.x = last[0];
      take.x_stride = 32;
      Block::visit(tail.bytes, take);
    }
#pragma GCC unroll 4
    for (int i = 0; i < inputs; ++i) y[i * y_stride + r] = take.total(i);
  }
}

template <typename L, typename Block>
void expand_rows(const RowRun& run, std::int64_t columns, float* out) {
  const std::int64_t pieces = columns / Block::elements;
  for (std::int64_t r = 0; r < run.rows; ++r) {
    const Byte* row = reinterpret_cast<const Byte*>(run.first) + r * run.stride;
    for (std::int64_t p = 0; p < pieces; ++p, out += Block::elements) {
      ExpandTake<L> take{out};
      Block::visit(row + p * Block::bytes, take);
    }
    if (const Tail<Block> tail(row, columns); tail.count > 0) {
      float last[Block::elements];
      ExpandTake<L> take{last};
      Block::visit(tail.bytes, take);
      for (std::int64_t j = 0; j < tail.count; ++j) *out++ = last[j];
    }
  }
}

template <typename L, typename Block>
constexpr RowKernel kernel_of() {
  return {Block::type,           Block::elements,       Block::bytes,         dot_rows<L, Block, 1>,
          dot_rows<L, Block, 2>, dot_rows<L, Block, 4>, expand_rows<L, Block>};
}

/// Every format there is a kernel for.
template <typename L>
constexpr RowKernel all_kernels[] = {
    kernel_of<L, Q4_0<L>>(), kernel_of<L, Q4_1<L>>(), kernel_of<L, Q5_0<L>>(), kernel_of<L, Q5_1<L>>(),
    kernel_of<L, Q8_0<L>>(), kernel_of<L, Q4_K<L>>(), kernel_of<L, Q5_K<L>>(), kernel_of<L, Q6_K<L>>(),
    kernel_of<L, F32<L>>(),  kernel_of<L, F16<L>>(),  kernel_of<L, BF16<L>>()};

}  // namespace qkscope::products
