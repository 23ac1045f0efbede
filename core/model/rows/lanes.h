#pragma once
#include <cstdint>
#include <cstring>

// Vectors of the compiler's, and what is done with them; each file that includes this compiles them for its
// own set of instructions. All of it has internal linkage, so that no function made for one processor is
// taken for another's; for the same reason nothing of the standard library is called here but what compilers
// have built in.
namespace qkscope::rows {
namespace {

/// Numbers of a register: vectors of more than one the compiler would keep in memory.
#if defined(__AVX512F__)
constexpr std::int64_t width = 16;
#elif defined(__AVX2__)
constexpr std::int64_t width = 8;
#else
constexpr std::int64_t width = 4;
#endif
typedef float Floats __attribute__((vector_size(width * 4)));
typedef std::int32_t Ints __attribute__((vector_size(width * 4)));

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

}  // namespace
}  // namespace qkscope::rows
