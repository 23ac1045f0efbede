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

/// Softmax attention of the queries of one position.
struct AttendTask {
  Rows queries;                                     // of a head each
  const float *keys, *values;                       // of the first position seen, of KV head 0
  std::int64_t key_stride, value_stride;            // from one position to the next
  std::int64_t key_head_stride, value_head_stride;  // from one KV head to the next
  std::int64_t positions, groups;                   // positions seen; queries that share a KV head
  std::int64_t dims, value_dims;
  float scale;
  float* out;      // (heads, value_dims)
  float* weights;  // (heads, positions), written on
};

/// Each does the rows first .. last - 1 of a task: positions of a rotation, heads of attention.
struct Kernels {
  void (*norm)(const NormTask&, std::int64_t first, std::int64_t last);
  void (*gate)(const GateTask&, std::int64_t first, std::int64_t last);
  void (*rotate)(const RotateTask&, std::int64_t first, std::int64_t last);
  void (*attend)(const AttendTask&, std::int64_t first, std::int64_t last);
};

// The same for each set of instructions, each compiled with its own options; null where the program was not
// built for such a processor.
const Kernels* plain_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace qkscope::rows
