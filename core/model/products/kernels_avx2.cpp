#include "core/model/products/row_kernels.h"

#ifdef __AVX2__
#include <immintrin.h>

#include "core/model/products/row_loops.h"

namespace qkscope::products {

namespace {

/// 16 lanes in pairs of registers of AVX2 with FMA and F16C.
struct Avx2Lanes {
  struct Floats {
    __m256 low, high;
  };
  struct Ints {
    __m256i low, high;
  };

  static __m128i sixteen(const Byte* bytes) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  }
  static Floats zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Floats splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats load(const float* x) { return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
  static void store(float* to, Floats x) {
    _mm256_storeu_ps(to, x.low);
    _mm256_storeu_ps(to + 8, x.high);
  }
  static Floats add(Floats a, Floats b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static Floats multiply(Floats a, Floats b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static Floats multiply_add(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static float sum(Floats x) {
    const __m256 eight = _mm256_add_ps(x.low, x.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  static Ints unsigned_bytes(const Byte* bytes) {
    const __m128i all = sixteen(bytes);
    return {_mm256_cvtepu8_epi32(all), _mm256_cvtepu8_epi32(_mm_srli_si128(all, 8))};
  }
  static Ints signed_bytes(const Byte* bytes) {
    const __m128i all = sixteen(bytes);
    return {_mm256_cvtepi8_epi32(all), _mm256_cvtepi8_epi32(_mm_srli_si128(all, 8))};
  }
  static Ints masked(Ints x, int mask) {
    const __m256i wide = _mm256_set1_epi32(mask);
    return {_mm256_and_si256(x.low, wide), _mm256_and_si256(x.high, wide)};
  }
  static Ints right(Ints x, int bits) {
    return {_mm256_srli_epi32(x.low, bits), _mm256_srli_epi32(x.high, bits)};
  }
  static Ints left(Ints x, int bits) {
    return {_mm256_slli_epi32(x.low, bits), _mm256_slli_epi32(x.high, bits)};
  }
  static Ints either(Ints a, Ints b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  /// `value` in the lanes whose bits are set.
  static Ints where_bits(const Byte* bits, int value) {
    const __m256i of_lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), wide = _mm256_set1_epi32(value);
    const auto eight = [&](int byte) {
      const __m256i set = _mm256_and_si256(_mm256_set1_epi32(byte), of_lane);
      return _mm256_and_si256(_mm256_cmpeq_epi32(set, of_lane), wide);
    };
    return {eight(bits[0]), eight(bits[1])};
  }
  static Floats floats(Ints x) { return {_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)}; }
  /// d * q + m of the low and of the high four bits.
  static Floats low_nibbles(Ints x, Floats d, Floats m) { return multiply_add(floats(masked(x, 15)), d, m); }
  static Floats high_nibbles(Ints x, Floats d, Floats m) { return multiply_add(floats(right(x, 4)), d, m); }

  static float half(const Byte* bytes) {
    return _cvtsh_ss(static_cast<unsigned short>(bytes[0] | bytes[1] << 8));
  }
  static Floats halves(const Byte* bytes) {
    return {_mm256_cvtph_ps(sixteen(bytes)), _mm256_cvtph_ps(sixteen(bytes + 16))};
  }
  static Floats bfloats(const Byte* bytes) {
    const auto eight = [](__m128i numbers) {
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(numbers), 16));
    };
    return {eight(sixteen(bytes)), eight(sixteen(bytes + 16))};
  }
  static Floats singles(const Byte* bytes) { return load(reinterpret_cast<const float*>(bytes)); }
};

}  // namespace

std::span<const RowKernel> avx2_row_kernels() {
  return all_kernels<Avx2Lanes>;
}

}  // namespace qkscope::products

#else

std::span<const qkscope::products::RowKernel> qkscope::products::avx2_row_kernels() {
  return {};
}

#endif
