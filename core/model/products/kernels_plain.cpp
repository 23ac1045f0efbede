#include <bit>
#include <cstring>

#include "core/io/dequantize.h"
#include "core/model/products/row_loops.h"

namespace qkscope::products {

namespace {

/// 16 lanes in plain C++, for any processor.
struct PlainLanes {
  struct Floats {
    float at[16];
  };
  struct Ints {
    std::int32_t at[16];
  };

  template <typename Result, typename Value>
  static Result each(const Value& value) {
    Result result;
    for (int i = 0; i < 16; ++i) result.at[i] = value(i);
    return result;
  }
  static Floats zero() { return splat(0); }
  static Floats splat(float x) {
    return each<Floats>([&](int) { return x; });
  }
  static Floats load(const float* x) {
    return each<Floats>([&](int i) { return x[i]; });
  }
  static void store(float* to, const Floats& x) { std::memcpy(to, x.at, sizeof x.at); }
  static Floats add(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return a.at[i] + b.at[i]; });
  }
  static Floats multiply(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return a.at[i] * b.at[i]; });
  }
  static Floats multiply_add(const Floats& a, const Floats& b, const Floats& c) {
    return each<Floats>([&](int i) { return a.at[i] * b.at[i] + c.at[i]; });
  }
  static float sum(const Floats& x) {
    float total = 0;
    for (const float lane : x.at) total += lane;
    return total;
  }

  static Ints unsigned_bytes(const Byte* bytes) {
    return each<Ints>([&](int i) { return static_cast<std::int32_t>(bytes[i]); });
  }
  static Ints signed_bytes(const Byte* bytes) {
    return each<Ints>([&](int i) { return static_cast<std::int32_t>(static_cast<std::int8_t>(bytes[i])); });
  }
  static Ints masked(const Ints& x, int mask) {
    return each<Ints>([&](int i) { return x.at[i] & mask; });
  }
  static Ints right(const Ints& x, int bits) {
    return each<Ints>([&](int i) { return x.at[i] >> bits; });
  }
  static Ints left(const Ints& x, int bits) {
    return each<Ints>([&](int i) { return x.at[i] << bits; });
  }
  static Ints either(const Ints& a, const Ints& b) {
    return each<Ints>([&](int i) { return a.at[i] | b.at[i]; });
  }
  static Ints where_bits(const Byte* bits, int value) {
    const int mask = bits[0] | bits[1] << 8;
    return each<Ints>([&](int i) { return (mask >> i & 1) * value; });
  }
  static Floats floats(const Ints& x) {
    return each<Floats>([&](int i) { return static_cast<float>(x.at[i]); });
  }
  /// d * q + m of the low and of the high four bits.
  static Floats low_nibbles(const Ints& x, const Floats& d, const Floats& m) {
    return multiply_add(floats(masked(x, 15)), d, m);
  }
  static Floats high_nibbles(const Ints& x, const Floats& d, const Floats& m) {
    return multiply_add(floats(right(x, 4)), d, m);
  }

  static std::uint16_t sixteen_bits(const Byte* bytes) {
    return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
  }
  static float half(const Byte* bytes) { return half_to_float(sixteen_bits(bytes)); }
  static Floats halves(const Byte* bytes) {
    return each<Floats>([&](int i) { return half(bytes + 2 * i); });
  }
  static Floats bfloats(const Byte* bytes) {
    return each<Floats>([&](int i) { return bfloat16_to_float(sixteen_bits(bytes + 2 * i)); });
  }
  static Floats singles(const Byte* bytes) {
    Floats result;
    std::memcpy(result.at, bytes, sizeof result.at);
    return result;
  }
};

}  // namespace

std::span<const RowKernel> plain_row_kernels() {
  return all_kernels<PlainLanes>;
}

}  // namespace qkscope::products
