#include <bit>

#include "core/io/blocks/block_format.h"
#include "core/io/blocks/k_scales.h"

namespace qkscope::blocks {
namespace {

// 16 bytes of scales (low nibbles) and minima (high nibbles), 64 bytes of bit pairs, d, dmin (halves)
struct Q2_K {
  static constexpr int elements = 256, bytes = 84;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block + 80), dmin = load_half(block + 82);
    for (int group = 0; group < 16; ++group) {  // of 16 numbers
      const float scale = d * number(block[group] & 15), minimum = dmin * number(block[group] >> 4);
      const Byte* pairs = &block[16 + group / 8 * 32 + group % 2 * 16];
      const int shift = group % 8 / 2 * 2;
      for (int i = 0; i < 16; ++i) out[group * 16 + i] = scale * number(pairs[i] >> shift & 3) - minimum;
    }
  }
};

// 256 third bits (bit g of byte i belongs to number i of 32 of group g), 64 bytes of bit pairs, 12 bytes of
// 6-bit scales, d (half)
struct Q3_K {
  static constexpr int elements = 256, bytes = 110;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block + 108);
    const Byte* packed = block + 96;
    for (int group = 0; group < 16; ++group) {  // of 16 numbers
      const int low = packed[group % 8] >> group / 8 * 4 & 15;
      const int high = packed[8 + group % 4] >> group / 4 * 2 & 3;
      const float scale = d * number((low | high << 4) - 32);
      const Byte* bits = &block[group % 2 * 16];
      const Byte* pairs = &block[32 + group / 8 * 32 + group % 2 * 16];
      const int shift = group % 8 / 2 * 2, bit = group / 2;
      for (int i = 0; i < 16; ++i) {
        const int q = (pairs[i] >> shift & 3) + (bits[i] >> bit & 1) * 4 - 4;  // a set bit takes nothing away
        out[group * 16 + i] = scale * number(q);
      }
    }
  }
};

// d, dmin (halves), 12 bytes of scales and minima, 128 bytes of nibbles
struct Q4_K {
  static constexpr int elements = 256, bytes = 144;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), dmin = load_half(block + 2);
    Byte scales[8], minima[8];
    unpack_scales(block + 4, scales, minima);
    for (int group = 0; group < 8; ++group) {
      const float scale = d * number(scales[group]), minimum = dmin * number(minima[group]);
      const Byte* nibbles = &block[16 + group / 2 * 32];
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) out[group * 32 + i] = scale * number(nibbles[i] >> shift & 15) - minimum;
    }
  }
};

// as Q4_K, with 256 fifth bits (bit g of byte i belongs to number i of group g) before the nibbles
struct Q5_K {
  static constexpr int elements = 256, bytes = 176;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), dmin = load_half(block + 2);
    Byte scales[8], minima[8];
    unpack_scales(block + 4, scales, minima);
    const Byte* high = block + 16;
    for (int group = 0; group < 8; ++group) {
      const float scale = d * number(scales[group]), minimum = dmin * number(minima[group]);
      const Byte* nibbles = &block[48 + group / 2 * 32];
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        const int q = (nibbles[i] >> shift & 15) | (high[i] >> group & 1) << 4;
        out[group * 32 + i] = scale * number(q) - minimum;
      }
    }
  }
};

// 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 int8 scales, d (half)
struct Q6_K {
  static constexpr int elements = 256, bytes = 210;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block + 208);
    for (int group = 0; group < 8; ++group) {  // of 32 numbers; two scales each
      const Byte* low = &block[group / 4 * 64 + group % 2 * 32];
      const Byte* high = &block[128 + group / 4 * 32];
      const int low_shift = group % 4 / 2 * 4, high_shift = group % 4 * 2;
      for (int half = 0; half < 2; ++half) {
        const float scale = d * number(static_cast<std::int8_t>(block[192 + group * 2 + half]));
        for (int i = half * 16; i < half * 16 + 16; ++i) {
          const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
          out[group * 32 + i] = scale * number(q - 32);
        }
      }
    }
  }
};

// d (float), 256 int8, 16 int16 that are sums of 16 of them each, of use only in products
struct Q8_K {
  static constexpr int elements = 256, bytes = 292;
  static void expand(const Byte* block, float* out) {
    const auto d = std::bit_cast<float>(load_u32(block));
    for (int i = 0; i < 256; ++i) out[i] = d * number(static_cast<std::int8_t>(block[4 + i]));
  }
};

constexpr BlockFormat formats[] = {
    format_of<Q2_K>(ElementType::Q2_K, "Q2_K"), format_of<Q3_K>(ElementType::Q3_K, "Q3_K"),
    format_of<Q4_K>(ElementType::Q4_K, "Q4_K"), format_of<Q5_K>(ElementType::Q5_K, "Q5_K"),
    format_of<Q6_K>(ElementType::Q6_K, "Q6_K"), format_of<Q8_K>(ElementType::Q8_K, "Q8_K")};

}  // namespace

std::span<const BlockFormat> k_formats() {
  return formats;
}

}  // namespace qkscope::blocks
