#pragma once
#include <cstdint>

namespace qkscope::rows {

/// Rows of float32 numbers, next to each other within a row.
struct Rows {
  const float* data;
  std::int64_t stride;  // numbers from one row to the next
};

/// What a row of gate and up becomes: act(gate) * up.
enum class Gate { Silu, GeluTanh };

struct NormTask {
  Rows x;
  const float* weight;  // (size), or null
  float eps;
  std::int64_t size;
  float* out;  // (rows, size)
};

struct GateTask {
  Gate gate;
  Rows x;  // rows of size gates, then size ups
  std::int64_t size;
  float* out;  // (rows, size)
};

struct RotateTask {
  const float* x;
  std::int64_t stride, head_stride;  // numbers from one position, from one head to the next
  const float *cos, *sin;            // (positions, half)
  std::int64_t heads, dims, start, half;
  bool interleaved;
  float* out;  // (positions, heads, dims)
};

/// Heads of float32 numbers at many positions.
struct Heads {
  const float* data;
  std::int64_t stride, head_stride;  // numbers from one position, from one head to the next
};

/// Softmax attention of the queries of one position.
struct AttendTask {
  Heads queries;                   // of the one position
  Heads keys, values;              // of KV heads, from the first position seen on
  std::int64_t positions, groups;  // positions seen; queries that share a KV head
  std::int64_t dims, value_dims;
  float scale;
  float* out;      // (heads, value_dims)
  float* weights;  // (heads, positions), written on
};

/// Positions first .. last - 1; at least one.
struct Seen {
  std::int64_t first, last;
};

/// Keys of each KV head in tiles of so many positions, of which each holds its first dim of all positions,
/// then the second: (KV heads, tiles, dims, tile_keys), zeros after the last position.
struct PackTask {
  Heads keys;
  std::int64_t positions, dims;
  float* out;
};

/// Softmax attention of many queries, each over what it sees of `positions`.
struct AttendManyTask {
  Heads queries;
  const float* packed_keys;  // see PackTask
  Heads values;
  std::int64_t queries_count, positions, groups;
  const Seen* seen;  // (queries_count)
  std::int64_t dims, value_dims;
  float scale;
  float* out;  // (queries_count, heads, value_dims)
  std::int64_t out_stride;
};

/// Each does the rows first .. last - 1 of a task: positions of a rotation, heads of attention.
struct Kernels {
  void (*norm)(const NormTask&, std::int64_t first, std::int64_t last);
  void (*gate)(const GateTask&, std::int64_t first, std::int64_t last);
  void (*rotate)(const RotateTask&, std::int64_t first, std::int64_t last);
  void (*attend)(const AttendTask&, std::int64_t first, std::int64_t last);
  void (*pack_keys)(const PackTask&, std::int64_t first, std::int64_t last);  // tiles of all KV heads
  /// Tiles of all heads. `room`: of tile_queries times the dims and the positions, rounded up to whole tiles.
  void (*attend_many)(const AttendManyTask&, std::int64_t first, std::int64_t last, float* room);
  std::int64_t tile_queries, tile_keys;
};

// The same for each set of instructions, each compiled with its own options; null where the program is built
// for processors that never have them.
const Kernels* plain_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace qkscope::rows
