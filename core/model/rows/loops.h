#pragma once
#include <cstdint>
#include <cstring>

#include "core/model/rows/kernels.h"

// The loops behind Kernels, written once on vectors of the compiler's; each file that includes this compiles
// them for its own set of instructions. All of it has internal linkage, so that no function made for one
// processor is taken for another's; for the same reason nothing of the standard library is called here but
// what compilers have built in.
namespace qkscope::rows {
namespace {

constexpr std::int64_t width = 16;
typedef float Floats __attribute__((vector_size(64)));
typedef std::int32_t Ints __attribute__((vector_size(64)));

inline Floats load(const float* from) {
  Floats x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

inline void store(float* to, Floats x) {
  std::memcpy(to, &x, sizeof x);
}

/// The first `count` < width numbers, and zeros.
inline Floats load_some(const float* from, std::int64_t count) {
  Floats x = {};
  std::memcpy(&x, from, static_cast<std::size_t>(count) * sizeof(float));
  return x;
}

inline void store_some(float* to, Floats x, std::int64_t count) {
  std::memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(float));
}

inline float sum(Floats x) {
  float lanes[width];
  store(lanes, x);
  for (std::int64_t half = width / 2; half > 0; half /= 2)
    for (std::int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

/// e^x to the last digit or the one before; infinity and zero beyond the range, NaN of NaN. After Cephes'
/// expf: x = n ln 2 + r, a polynomial in r.
inline Floats exp(Floats x) {
  x = x < -104.0F ? Floats{} - 104.0F : x;
  x = x > 89.0F ? Floats{} + 89.0F : x;
  constexpr float magic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to whole numbers
  const Floats n = (x * 1.44269504088896341F + magic) - magic;
  const Floats r = x - n * 0.693359375F - n * -2.12194440e-4F;
  Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  // 2^n in two steps, so that neither leaves the range of the exponent where the result does not.
  const Floats known = n == n ? n : Floats{};
  const Ints whole = __builtin_convertvector(known, Ints), low = whole >> 1, high = whole - low;
  const Ints low_bits = (low + 127) << 23, high_bits = (high + 127) << 23;
  Floats low_power, high_power;
  std::memcpy(&low_power, &low_bits, sizeof low_power);
  std::memcpy(&high_power, &high_bits, sizeof high_power);
  return p * low_power * high_power;
}

/// For each whole vector `all(at)`, then `some(at, count)` for the numbers that are left.
template <typename All, typename Some>
inline void in_vectors(std::int64_t size, const All& all, const Some& some) {
  std::int64_t at = 0;
  for (; at + width <= size; at += width) all(at);
  if (at < size) some(at, size - at);
}

float dot(const float* a, const float* b, std::int64_t size) {
  Floats first = {}, second = {};  // two chains: an addition waits for the one before
  std::int64_t at = 0;
  for (; at + 2 * width <= size; at += 2 * width) {
    first += load(a + at) * load(b + at);
    second += load(a + at + width) * load(b + at + width);
  }
  if (at + width <= size) {
    first += load(a + at) * load(b + at);
    at += width;
  }
  if (at < size) second += load_some(a + at, size - at) * load_some(b + at, size - at);
  return sum(first + second);
}

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

/// Scores become weights, not yet divided by their sum, which is returned.
float soften(float* scores, std::int64_t count) {
  float largest = scores[0];
  for (std::int64_t i = 1; i < count; ++i) largest = scores[i] > largest ? scores[i] : largest;
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

/// out = factor * the sum of rows of `values` times their weights, `count` <= 4 * width dims of them.
template <int vectors>
void weigh(const float* weights, const float* values, std::int64_t stride, std::int64_t rows, float factor,
           float* out) {
  Floats sums[vectors] = {};
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* value = values + row * stride;
    const float weight = weights[row];
    for (int i = 0; i < vectors; ++i) sums[i] += weight * load(value + i * width);
  }
  for (int i = 0; i < vectors; ++i) store(out + i * width, factor * sums[i]);
}

void weigh_some(const float* weights, const float* values, std::int64_t stride, std::int64_t rows,
                float factor, float* out, std::int64_t count) {
  Floats sums = {};
  for (std::int64_t row = 0; row < rows; ++row)
    sums += weights[row] * load_some(values + row * stride, count);
  store_some(out, factor * sums, count);
}

void attend(const AttendTask& task, std::int64_t first, std::int64_t last) {
  for (std::int64_t head = first; head < last; ++head) {
    const std::int64_t kv_head = head / task.groups;
    const float* query = task.queries.data + head * task.queries.stride;
    const float *keys = task.keys + kv_head * task.key_head_stride,
                *values = task.values + kv_head * task.value_head_stride;
    float *weights = task.weights + head * task.positions, *out = task.out + head * task.value_dims;
    for (std::int64_t p = 0; p < task.positions; ++p)
      weights[p] = dot(query, keys + p * task.key_stride, task.dims) * task.scale;
    const float factor = 1.0F / soften(weights, task.positions);
    std::int64_t dim = 0;
    for (; dim + 4 * width <= task.value_dims; dim += 4 * width)
      weigh<4>(weights, values + dim, task.value_stride, task.positions, factor, out + dim);
    for (; dim + width <= task.value_dims; dim += width)
      weigh<1>(weights, values + dim, task.value_stride, task.positions, factor, out + dim);
    if (dim < task.value_dims)
      weigh_some(weights, values + dim, task.value_stride, task.positions, factor, out + dim,
                 task.value_dims - dim);
  }
}

constexpr Kernels kernels = {norm, gate, rotate, attend};

}  // namespace
}  // namespace qkscope::rows
