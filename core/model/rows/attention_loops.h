#pragma once
#include "core/model/rows/kernels.h"
#include "core/model/rows/lanes.h"

// The loops of softmax attention: see loops.h. For many queries both products are worked on in tiles that the
// registers hold; what a query does not see is not even multiplied by zero, so that no number that is none
// gets past a mask. A query's sums go over its positions in their order, whichever tile it is in.
namespace qkscope::rows {
namespace {

/// Rows and vectors of a tile: their sums, a line of the right side and a number of the left fill the
/// registers.
#if defined(__AVX512F__)
constexpr int tile_queries = 8, tile_vectors = 2;
#else
constexpr int tile_queries = 6, tile_vectors = 2;
#endif
constexpr std::int64_t tile_keys = tile_vectors * width;

float largest_of(const float* numbers, std::int64_t count) {
  float largest = numbers[0];
  std::int64_t at = 0;
  if (count >= width) {
    Floats most = load(numbers);
    for (at = width; at + width <= count; at += width) {
      const Floats x = load(numbers + at);
      most = x > most ? x : most;
    }
    for (int i = 0; i < width; ++i) largest = most[i] > largest ? most[i] : largest;
  }
  for (; at < count; ++at) largest = numbers[at] > largest ? numbers[at] : largest;
  return largest;
}

/// Scores become weights, not yet divided by their sum, which is returned.
float soften(float* scores, std::int64_t count) {
  const float largest = largest_of(scores, count);
  Floats total = {};
  float rest = 0;
  in_vectors(
      count,
      [&](std::int64_t at) {
        const Floats weight = exp(load(scores + at) - largest);
        store(scores + at, weight);
        total += weight;
      },
      [&](std::int64_t at, std::int64_t left) {
        store_some(scores + at, exp(load_some(scores + at, left) - largest), left);
        for (std::int64_t i = 0; i < left; ++i) rest += scores[at + i];
      });
  return sum(total) + rest;
}

/// sums[i] += the sum over k < depth of left[i][k] * right[k], for rows of `vectors` vectors on the right.
template <int rows, int vectors>
[[gnu::always_inline]] inline void multiply_tile(Rows left, Rows right, std::int64_t depth, float* sums,
                                                 std::int64_t stride) {
  Floats tile[rows][vectors];
#pragma GCC unroll 8  // or the sums go through memory
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) tile[i][v] = load(sums + i * stride + v * width);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    Floats line[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) line[v] = load(right.data + k * right.stride + v * width);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const float x = left.data[i * left.stride + k];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) tile[i][v] += x * line[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) store(sums + i * stride + v * width, tile[i][v]);
  }
}

/// The same for rows of `size` numbers on the right.
template <int rows>
void multiply_rows(Rows left, Rows right, std::int64_t depth, std::int64_t size, float* sums,
                   std::int64_t stride) {
  std::int64_t at = 0;
  const auto from = [&] { return Rows{right.data + at, right.stride}; };
  for (; at + tile_keys <= size; at += tile_keys)
    multiply_tile<rows, tile_vectors>(left, from(), depth, sums + at, stride);
  for (; at + width <= size; at += width) multiply_tile<rows, 1>(left, from(), depth, sums + at, stride);
  if (at == size) return;
  for (int i = 0; i < rows; ++i) {
    Floats sum = load_some(sums + i * stride + at, size - at);
    for (std::int64_t k = 0; k < depth; ++k)
      sum += left.data[i * left.stride + k] * load_some(right.data + k * right.stride + at, size - at);
    store_some(sums + i * stride + at, sum, size - at);
  }
}

void scale_row(float* row, std::int64_t size, float factor) {
  in_vectors(
      size, [&](std::int64_t at) { store(row + at, factor * load(row + at)); },
      [&](std::int64_t at, std::int64_t count) {
        store_some(row + at, factor * load_some(row + at, count), count);
      });
}

void attend(const AttendTask& task, std::int64_t first, std::int64_t last) {
  for (std::int64_t head = first; head < last; ++head) {
    const std::int64_t kv_head = head / task.groups;
    const float* query = task.queries.data + head * task.queries.head_stride;
    const float *keys = task.keys.data + kv_head * task.keys.head_stride,
                *values = task.values.data + kv_head * task.values.head_stride;
    float *weights = task.weights + head * task.positions, *out = task.out + head * task.value_dims;
    for (std::int64_t p = 0; p < task.positions; ++p)
      weights[p] = dot(query, keys + p * task.keys.stride, task.dims) * task.scale;
    const float factor = 1.0F / soften(weights, task.positions);
    for (std::int64_t dim = 0; dim < task.value_dims; ++dim) out[dim] = 0;
    multiply_rows<1>({weights, 0}, {values, task.values.stride}, task.positions, task.value_dims, out, 0);
    scale_row(out, task.value_dims, factor);
  }
}

void pack_keys(const PackTask& task, std::int64_t first, std::int64_t last) {
  const std::int64_t tiles = (task.positions + tile_keys - 1) / tile_keys;
  for (std::int64_t tile = first; tile < last; ++tile) {
    const std::int64_t start = tile % tiles * tile_keys;
    const float* keys = task.keys.data + tile / tiles * task.keys.head_stride + start * task.keys.stride;
    float* out = task.out + tile * task.dims * tile_keys;
    for (std::int64_t key = 0; key < tile_keys; ++key) {
      const bool there = start + key < task.positions;
      for (std::int64_t dim = 0; dim < task.dims; ++dim)
        out[dim * tile_keys + key] = there ? keys[key * task.keys.stride + dim] : 0;
    }
  }
}

/// Of up to tile_queries queries of one head.
void attend_tile(const AttendManyTask& task, std::int64_t head, std::int64_t start, float* room) {
  const std::int64_t kv_head = head / task.groups, left = task.queries_count - start;
  const std::int64_t count = left < tile_queries ? left : tile_queries;
  const std::int64_t tiles = (task.positions + tile_keys - 1) / tile_keys, stride = tiles * tile_keys;
  float *queries = room, *weights = room + tile_queries * task.dims;
  const Seen* seen = task.seen + start;
  Seen any = seen[0], all = seen[0];  // what one of them sees, what each of them sees
  for (std::int64_t i = 0; i < tile_queries; ++i) {
    const float* query =
        task.queries.data + head * task.queries.head_stride + (start + i) * task.queries.stride;
    for (std::int64_t dim = 0; dim < task.dims; ++dim)
      queries[i * task.dims + dim] = i < count ? task.scale * query[dim] : 0;
    if (i >= count) continue;
    any.first = seen[i].first < any.first ? seen[i].first : any.first;
    any.last = seen[i].last > any.last ? seen[i].last : any.last;
    all.first = seen[i].first > all.first ? seen[i].first : all.first;
    all.last = seen[i].last < all.last ? seen[i].last : all.last;
  }
  if (all.last < all.first || count < tile_queries) all.last = all.first;

  const float* keys = task.packed_keys + kv_head * tiles * task.dims * tile_keys;
  for (std::int64_t tile = any.first / tile_keys; tile * tile_keys < any.last; ++tile) {
    float* scores = weights + tile * tile_keys;
    for (int i = 0; i < tile_queries; ++i)
      for (std::int64_t key = 0; key < tile_keys; ++key) scores[i * stride + key] = 0;
    multiply_tile<tile_queries, tile_vectors>(
        {queries, task.dims}, {keys + tile * task.dims * tile_keys, tile_keys}, task.dims, scores, stride);
  }

  const std::int64_t size = task.value_dims;
  float factors[tile_queries], *out = task.out + start * task.out_stride + head * size;
  const float* values = task.values.data + kv_head * task.values.head_stride;
  const auto weigh = [&](std::int64_t i, std::int64_t from, std::int64_t to) {  // of one query
    if (from < to)
      multiply_rows<1>({weights + i * stride + from, 0},
                       {values + from * task.values.stride, task.values.stride}, to - from, size,
                       out + i * task.out_stride, 0);
  };
  const auto clamped = [](std::int64_t x, Seen to) {
    return x < to.first ? to.first : x > to.last ? to.last : x;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    factors[i] = 1.0F / soften(weights + i * stride + seen[i].first, seen[i].last - seen[i].first);
    for (std::int64_t dim = 0; dim < size; ++dim) out[i * task.out_stride + dim] = 0;
    weigh(i, seen[i].first, clamped(all.first, seen[i]));
  }
  if (all.first < all.last)
    multiply_rows<tile_queries>({weights + all.first, stride},
                                {values + all.first * task.values.stride, task.values.stride},
                                all.last - all.first, size, out, task.out_stride);
  for (std::int64_t i = 0; i < count; ++i) {
    weigh(i, clamped(all.last, seen[i]), seen[i].last);
    scale_row(out + i * task.out_stride, size, factors[i]);
  }
}

void attend_many(const AttendManyTask& task, std::int64_t first, std::int64_t last, float* room) {
  const std::int64_t tiles = (task.queries_count + tile_queries - 1) / tile_queries;
  for (std::int64_t unit = first; unit < last; ++unit) {
    // Early queries see less than late ones: taken in turns, any run of units is about as much work.
    const std::int64_t turn = unit % tiles, tile = turn % 2 == 0 ? turn / 2 : tiles - 1 - turn / 2;
    attend_tile(task, unit / tiles, tile * tile_queries, room);
  }
}

}  // namespace
}  // namespace qkscope::rows
