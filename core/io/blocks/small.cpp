#include <bit>

#include "core/io/blocks/block_format.h"

namespace qkscope::blocks {
namespace {

// 48 bytes of five and 4 bytes of four numbers from -1 to 1 in base 3, d (half). A byte holds its digits as a
// fraction of 256, first digit first: times 3 to the n modulo 256 the n-th is in front, and times 3 above.
struct TQ1_0 {
  static constexpr int elements = 256, bytes = 54;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block + 52);
    out = expand_part<32, 5>(block, d, out);
    out = expand_part<16, 5>(block + 32, d, out);
    expand_part<4, 4>(block + 48, d, out);
  }

 private:
  template <int size, int digits>
  static float* expand_part(const Byte* part, float d, float* out) {
    int power = 1;
    for (int n = 0; n < digits; ++n, power *= 3, out += size) {
      for (int i = 0; i < size; ++i) out[i] = d * number((part[i] * power % 256 * 3 >> 8) - 1);
    }
    return out;
  }
};

// 64 bytes of bit pairs, d (half)
struct TQ2_0 {
  static constexpr int elements = 256, bytes = 66;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block + 64);
    for (int group = 0; group < 8; ++group) {  // of 32 numbers
      const Byte* pairs = &block[group / 4 * 32];
      const int shift = group % 4 * 2;
      for (int i = 0; i < 32; ++i) out[group * 32 + i] = d * number((pairs[i] >> shift & 3) - 1);
    }
  }
};

// Four-bit floats (sign, two bits of exponent, one of fraction), doubled; minus zero is zero.
constexpr std::int8_t e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// A power of two as an exponent of eight bits, 16 bytes of four-bit floats (Open Compute Project,
// Microscaling Formats 1.0)
struct MXFP4 {
  static constexpr int elements = 32, bytes = 17;
  static void expand(const Byte* block, float* out) {
    // Half of the scale, for the doubled numbers. The two smallest are subnormal.
    const std::uint32_t exponent = block[0];
    const auto d = std::bit_cast<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * number(e2m1_doubled[block[1 + i] & 15]);
      out[i + 16] = d * number(e2m1_doubled[block[1 + i] >> 4]);
    }
  }
};

// Four scales of eight bits (four of exponent, three of fraction), for each 8 bytes of four-bit floats
struct NVFP4 {
  static constexpr int elements = 64, bytes = 36;
  static void expand(const Byte* block, float* out) {
    for (int group = 0; group < 4; ++group, out += 16) {
      const float d = half_scale(block[group]);
      const Byte* nibbles = &block[4 + group * 8];
      for (int i = 0; i < 8; ++i) {
        out[i] = d * number(e2m1_doubled[nibbles[i] & 15]);
        out[i + 8] = d * number(e2m1_doubled[nibbles[i] >> 4]);
      }
    }
  }

 private:
  // Half of the scale. 0x7f is the format's NaN, which counts as zero; the sign bit is not looked at.
  static float half_scale(Byte bits) {
    const int exponent = bits >> 3 & 15, fraction = bits & 7;
    if (bits == 0x7f) return 0;
    if (exponent == 0) return number(fraction) * 0x1p-10f;
    return number(8 + fraction) * std::bit_cast<float>((exponent + 127u - 7 - 3 - 1) << 23);
  }
};

constexpr BlockFormat formats[] = {
    format_of<TQ1_0>(ElementType::TQ1_0, "TQ1_0"), format_of<TQ2_0>(ElementType::TQ2_0, "TQ2_0"),
    format_of<MXFP4>(ElementType::MXFP4, "MXFP4"), format_of<NVFP4>(ElementType::NVFP4, "NVFP4")};

}  // namespace

std::span<const BlockFormat> small_formats() {
  return formats;
}

}  // namespace qkscope::blocks
