#include "core/model/products/row_kernels.h"

#ifdef __AVX512F__
#include <immintrin.h>

#include "core/model/products/row_loops.h"

namespace qkscope::products {

namespace {

/// 16 lanes in one register of AVX-512.
struct Avx512Lanes {
  using Floats = __m512;
  using Ints = __m512i;

  static __m128i sixteen(const Byte* bytes) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  }
  static __m256i thirty_two(const Byte* bytes) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  }
  static Floats zero() { return _mm512_setzero_ps(); }
  static Floats splat(float x) { return _mm512_set1_ps(x); }
  static Floats load(const float* x) { return _mm512_loadu_ps(x); }
  static void store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static float sum(Floats x) { return _mm512_reduce_add_ps(x); }

  static Ints unsigned_bytes(const Byte* bytes) { return _mm512_cvtepu8_epi32(sixteen(bytes)); }
  static Ints signed_bytes(const Byte* bytes) { return _mm512_cvtepi8_epi32(sixteen(bytes)); }
  static Ints masked(Ints x, int mask) { return _mm512_and_si512(x, _mm512_set1_epi32(mask)); }
  static Ints right(Ints x, int bits) { return _mm512_srli_epi32(x, static_cast<unsigned>(bits)); }
  static Ints left(Ints x, int bits) { return _mm512_slli_epi32(x, static_cast<unsigned>(bits)); }
  static Ints either(Ints a, Ints b) { return _mm512_or_si512(a, b); }
  /// `value` in the lanes whose bits are set.
  static Ints where_bits(const Byte* bits, int value) {
    return _mm512_maskz_set1_epi32(static_cast<__mmask16>(bits[0] | bits[1] << 8), value);
  }
  static Floats floats(Ints x) { return _mm512_cvtepi32_ps(x); }
  /// d * q + m of the low and of the high four bits, looked up among the sixteen that there can be: the
  /// instruction reads the four lowest bits of an index and no more.
  static Floats low_nibbles(Ints x, Floats d, Floats m) {
    const Floats numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutexvar_ps(x, multiply_add(numbers, d, m));
  }
  static Floats high_nibbles(Ints x, Floats d, Floats m) { return low_nibbles(right(x, 4), d, m); }

  static float half(const Byte* bytes) {
    return _cvtsh_ss(static_cast<unsigned short>(bytes[0] | bytes[1] << 8));
  }
  static Floats halves(const Byte* bytes) { return _mm512_cvtph_ps(thirty_two(bytes)); }
  static Floats bfloats(const Byte* bytes) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(thirty_two(bytes)), 16));
  }
  static Floats singles(const Byte* bytes) { return _mm512_loadu_ps(bytes); }
};

}  // namespace

std::span<const RowKernel> avx512_row_kernels() {
  return all_kernels<Avx512Lanes>;
}

}  // namespace qkscope::products

#else

std::span<const qkscope::products::RowKernel> qkscope::products::avx512_row_kernels() {
  return {};
}

#endif
