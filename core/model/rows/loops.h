#pragma once
#include "core/model/rows/attention_loops.h"
#include "core/model/rows/kernels.h"
#include "core/model/rows/lanes.h"

// The loops behind Kernels, written once: see lanes.h.
namespace qkscope::rows {
namespace {

void norm(const NormTask& task, std::int64_t first, std::int64_t last) {
  for (std::int64_t row = first; row < last; ++row) {
    const float* x = task.x.data + row * task.x.stride;
    float* out = task.out + row * task.size;
    const float mean = dot(x, x, task.size) / static_cast<float>(task.size);
    const float scale = 1.0F / __builtin_sqrtf(mean + task.eps);
    in_vectors(
        task.size,
        [&](std::int64_t at) {
          const Floats y = load(x + at) * scale;
          store(out + at, task.weight ? y * load(task.weight + at) : y);
        },
        [&](std::int64_t at, std::int64_t count) {
          const Floats y = load_some(x + at, count) * scale;
          store_some(out + at, task.weight ? y * load_some(task.weight + at, count) : y, count);
        });
  }
}

/// x times its share between 0 and 1: a sigmoid, of 2 sqrt(2 / pi) (x + 0.044715 x^3) for GELU's tanh form.
inline Floats gated(Gate gate, Floats x) {
  const Floats inner = gate == Gate::Silu ? x : x * (1.5957691216F + 0.0713548162726F * x * x);
  return x / (1.0F + exp(-inner));
}

void gate(const GateTask& task, std::int64_t first, std::int64_t last) {
  for (std::int64_t row = first; row < last; ++row) {
    const float *x = task.x.data + row * task.x.stride, *up = x + task.size;
    float* out = task.out + row * task.size;
    in_vectors(
        task.size, [&](std::int64_t at) { store(out + at, gated(task.gate, load(x + at)) * load(up + at)); },
        [&](std::int64_t at, std::int64_t count) {
          store_some(out + at, gated(task.gate, load_some(x + at, count)) * load_some(up + at, count), count);
        });
  }
}

/// The pairs (a[i], b[i]) turned by angle i.
void turn(const float* a, const float* b, const float* cos, const float* sin, std::int64_t half, float* a_out,
          float* b_out) {
  in_vectors(
      half,
      [&](std::int64_t at) {
        const Floats x = load(a + at), y = load(b + at), c = load(cos + at), s = load(sin + at);
        store(a_out + at, x * c - y * s);
        store(b_out + at, y * c + x * s);
      },
      [&](std::int64_t at, std::int64_t count) {
        const Floats x = load_some(a + at, count), y = load_some(b + at, count);
        const Floats c = load_some(cos + at, count), s = load_some(sin + at, count);
        store_some(a_out + at, x * c - y * s, count);
        store_some(b_out + at, y * c + x * s, count);
      });
}

void rotate(const RotateTask& task, std::int64_t first, std::int64_t last) {
  const std::int64_t start = task.start, half = task.half, end = start + 2 * half;
  for (std::int64_t position = first; position < last; ++position) {
    const float *cos = task.cos + position * half, *sin = task.sin + position * half;
    for (std::int64_t head = 0; head < task.heads; ++head) {
      const float* x = task.x + position * task.stride + head * task.head_stride;
      float* out = task.out + (position * task.heads + head) * task.dims;
      for (std::int64_t dim = 0; dim < start; ++dim) out[dim] = x[dim];
      if (task.interleaved) {
        for (std::int64_t pair = 0; pair < half; ++pair) {
          const float a = x[start + 2 * pair], b = x[start + 2 * pair + 1];
          out[start + 2 * pair] = a * cos[pair] - b * sin[pair];
          out[start + 2 * pair + 1] = b * cos[pair] + a * sin[pair];
        }
      } else {
        turn(x + start, x + start + half, cos, sin, half, out + start, out + start + half);
      }
      for (std::int64_t dim = end; dim < task.dims; ++dim) out[dim] = x[dim];
    }
  }
}

constexpr Kernels kernels = {norm, gate, rotate, attend, pack_keys, attend_many, tile_queries, tile_keys};

}  // namespace
}  // namespace qkscope::rows
