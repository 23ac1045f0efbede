#pragma once
#include "core/io/blocks/k_scales.h"
#include "core/io/tensor_entry.h"

// How the numbers of a block become lanes of float32, written once for every set of instructions. `L` is that
// set: 16 lanes of float32 or int32 and what can be done with them (lanes_plain.h, lanes_avx2.h,
// lanes_avx512.h). A format hands its numbers to `take.pair(first, a, b)`: numbers first .. first + 15 and
// first + 16 .. first + 31. The layouts are those of core/io/blocks.
//
// Everything here is a template over `L`, so that no function compiled for one set is taken for another's.
namespace qkscope::products {

using Byte = std::uint8_t;

/// d * q + m for 16 numbers q.
template <typename L>
[[gnu::always_inline]] inline typename L::Floats scaled(typename L::Ints q, typename L::Floats d,
                                                        typename L::Floats m) {
  return L::multiply_add(L::floats(q), d, m);
}

template <typename L>
struct Q4_0 {
  static constexpr ElementType type = ElementType::Q4_0;
  static constexpr int elements = 32, bytes = 18;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const float d = L::half(block);
    const auto scale = L::splat(d), offset = L::splat(-8 * d);
    const auto packed = L::unsigned_bytes(block + 2);
    take.pair(0, L::low_nibbles(packed, scale, offset), L::high_nibbles(packed, scale, offset));
  }
};

template <typename L>
struct Q4_1 {
  static constexpr ElementType type = ElementType::Q4_1;
  static constexpr int elements = 32, bytes = 20;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const auto scale = L::splat(L::half(block)), offset = L::splat(L::half(block + 2));
    const auto packed = L::unsigned_bytes(block + 4);
    take.pair(0, L::low_nibbles(packed, scale, offset), L::high_nibbles(packed, scale, offset));
  }
};

/// Of Q5_0 and Q5_1: 32 fifth bits and 16 bytes of nibbles from `bits` on.
template <typename L, typename Take>
[[gnu::always_inline]] inline void visit_five_bits(const Byte* bits, typename L::Floats scale,
                                                   typename L::Floats offset, Take& take) {
  const auto packed = L::unsigned_bytes(bits + 4);
  const auto low = L::either(L::masked(packed, 15), L::where_bits(bits, 16));
  const auto high = L::either(L::right(packed, 4), L::where_bits(bits + 2, 16));
  take.pair(0, scaled<L>(low, scale, offset), scaled<L>(high, scale, offset));
}

template <typename L>
struct Q5_0 {
  static constexpr ElementType type = ElementType::Q5_0;
  static constexpr int elements = 32, bytes = 22;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const float d = L::half(block);
    visit_five_bits<L>(block + 2, L::splat(d), L::splat(-16 * d), take);
  }
};

template <typename L>
struct Q5_1 {
  static constexpr ElementType type = ElementType::Q5_1;
  static constexpr int elements = 32, bytes = 24;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    visit_five_bits<L>(block + 4, L::splat(L::half(block)), L::splat(L::half(block + 2)), take);
  }
};

template <typename L>
struct Q8_0 {
  static constexpr ElementType type = ElementType::Q8_0;
  static constexpr int elements = 32, bytes = 34;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const auto scale = L::splat(L::half(block));
    take.pair(0, L::multiply(L::floats(L::signed_bytes(block + 2)), scale),
              L::multiply(L::floats(L::signed_bytes(block + 18)), scale));
  }
};

/// The scales and the negated minima of the eight groups of a block of Q4_K or Q5_K.
template <typename L>
struct GroupScales {
  explicit GroupScales(const Byte* block) {
    const float d = L::half(block), minus_dmin = -L::half(block + 2);
    Byte scales[8], minima[8];
    blocks::unpack_scales(block + 4, scales, minima);
    for (int g = 0; g < 8; ++g) {
      scale[g] = d * static_cast<float>(scales[g]);
      offset[g] = minus_dmin * static_cast<float>(minima[g]);
    }
  }
  float scale[8], offset[8];
};

template <typename L>
struct Q4_K {
  static constexpr ElementType type = ElementType::Q4_K;
  static constexpr int elements = 256, bytes = 144;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const GroupScales<L> groups(block);
#pragma GCC unroll 4
    for (int g = 0; g < 8; g += 2) {  // two groups share their bytes
      const Byte* nibbles = block + 16 + g * 16;
      const auto a = L::unsigned_bytes(nibbles), b = L::unsigned_bytes(nibbles + 16);
      const auto low = L::splat(groups.scale[g]), low_offset = L::splat(groups.offset[g]);
      take.pair(g * 32, L::low_nibbles(a, low, low_offset), L::low_nibbles(b, low, low_offset));
      const auto high = L::splat(groups.scale[g + 1]), high_offset = L::splat(groups.offset[g + 1]);
      take.pair(g * 32 + 32, L::high_nibbles(a, high, high_offset), L::high_nibbles(b, high, high_offset));
    }
  }
};

template <typename L>
struct Q5_K {
  static constexpr ElementType type = ElementType::Q5_K;
  static constexpr int elements = 256, bytes = 176;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const GroupScales<L> groups(block);
    const auto fifth_a = L::unsigned_bytes(block + 16), fifth_b = L::unsigned_bytes(block + 32);
    const auto fifth = [](auto bits, int g) { return L::left(L::masked(L::right(bits, g), 1), 4); };
#pragma GCC unroll 4
    for (int g = 0; g < 8; g += 2) {
      const Byte* nibbles = block + 48 + g * 16;
      const auto a = L::unsigned_bytes(nibbles), b = L::unsigned_bytes(nibbles + 16);
      const auto low = L::splat(groups.scale[g]), low_offset = L::splat(groups.offset[g]);
      take.pair(g * 32, scaled<L>(L::either(L::masked(a, 15), fifth(fifth_a, g)), low, low_offset),
                scaled<L>(L::either(L::masked(b, 15), fifth(fifth_b, g)), low, low_offset));
      const auto high = L::splat(groups.scale[g + 1]), high_offset = L::splat(groups.offset[g + 1]);
      take.pair(g * 32 + 32, scaled<L>(L::either(L::right(a, 4), fifth(fifth_a, g + 1)), high, high_offset),
                scaled<L>(L::either(L::right(b, 4), fifth(fifth_b, g + 1)), high, high_offset));
    }
  }
};

template <typename L>
struct Q6_K {
  static constexpr ElementType type = ElementType::Q6_K;
  static constexpr int elements = 256, bytes = 210;
  template <typename Take>
  static void visit(const Byte* block, Take& take) {
    const float d = L::half(block + 208);
    float scales[16];
    for (int i = 0; i < 16; ++i) scales[i] = d * static_cast<float>(static_cast<std::int8_t>(block[192 + i]));
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {  // of 32 numbers; two scales each
      const Byte* low = block + g / 4 * 64 + g % 2 * 32;
      const Byte* high = block + 128 + g / 4 * 32;
      const auto numbers = [&](int part) {
        const auto nibbles = L::masked(L::right(L::unsigned_bytes(low + part * 16), g % 4 / 2 * 4), 15);
        const auto pairs = L::masked(L::right(L::unsigned_bytes(high + part * 16), g % 4 * 2), 3);
        const float scale = scales[g * 2 + part];
        return scaled<L>(L::either(nibbles, L::left(pairs, 4)), L::splat(scale), L::splat(-32 * scale));
      };
      take.pair(g * 32, numbers(0), numbers(1));
    }
  }
};

template <typename L>
struct F32 {
  static constexpr ElementType type = ElementType::F32;
  static constexpr int elements = 32, bytes = 128;
  template <typename Take>
  static void visit(const Byte* numbers, Take& take) {
    take.pair(0, L::singles(numbers), L::singles(numbers + 64));
  }
};

template <typename L>
struct F16 {
  static constexpr ElementType type = ElementType::F16;
  static constexpr int elements = 32, bytes = 64;
  template <typename Take>
  static void visit(const Byte* numbers, Take& take) {
    take.pair(0, L::halves(numbers), L::halves(numbers + 32));
  }
};

template <typename L>
struct BF16 {
  static constexpr ElementType type = ElementType::BF16;
  static constexpr int elements = 32, bytes = 64;
  template <typename Take>
  static void visit(const Byte* numbers, Take& take) {
    take.pair(0, L::bfloats(numbers), L::bfloats(numbers + 32));
  }
};

}  // namespace qkscope::products
