#include <bit>

#include "core/io/blocks/block_format.h"
#include "core/io/blocks/codebooks.h"

namespace qkscope::blocks {
namespace {

// Numbers from a row of a codebook, negative where the bit of their place is set.
template <std::size_t width>
void signed_row(const std::array<std::int8_t, width>& row, int signs, float scale, float* out) {
  for (std::size_t i = 0; i < width; ++i) {
    const int negative = -(signs >> i & 1);  // all bits or none
    out[i] = scale * number((row[i] ^ negative) - negative);
  }
}

// Seven signs of eight are stored; the eighth makes the number of negative ones even.
int eight_signs(std::uint32_t stored) {
  const std::uint32_t seven = stored & 127;
  return static_cast<int>(seven | static_cast<std::uint32_t>(std::popcount(seven) & 1) << 7);
}

// d (half), for each 32 numbers: 4 rows, then 4 times 7 signs and a scale of 4 bits
struct IQ2_XXS {
  static constexpr int elements = 256, bytes = 66;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int group = 0; group < 8; ++group) {
      const Byte* rows = block + 2 + group * 8;
      const std::uint32_t rest = load_u32(rows + 4);
      const float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.25f;
      for (int i = 0; i < 4; ++i, out += 8)
        signed_row(iq2_xxs_codebook[rows[i]], eight_signs(rest >> 7 * i), scale, out);
    }
  }
};

// d (half), 32 times a row of 9 bits and 7 signs, 16 scales of 4 bits
struct IQ2_XS {
  static constexpr int elements = 256, bytes = 74;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 32; ++i, out += 8) {
      const float scale = d * (0.5f + number(block[66 + i / 4] >> i / 2 % 2 * 4 & 15)) * 0.25f;
      const std::uint32_t packed = load_u16(block + 2 + i * 2);
      signed_row(iq2_xs_codebook[packed & 511], eight_signs(packed >> 9), scale, out);
    }
  }
};

// d (half), low bytes of 32 rows, their signs, the rows' two upper bits, 16 scales of 4 bits
struct IQ2_S {
  static constexpr int elements = 256, bytes = 82;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 32; ++i, out += 8) {
      const float scale = d * (0.5f + number(block[74 + i / 4] >> i / 2 % 2 * 4 & 15)) * 0.25f;
      const unsigned row = block[2 + i] | (block[66 + i / 4] >> i % 4 * 2 & 3u) << 8;
      signed_row(iq2_s_codebook[row], block[34 + i], scale, out);
    }
  }
};

// d (half), 64 rows, for each 32 numbers 4 times 7 signs and a scale of 4 bits
struct IQ3_XXS {
  static constexpr int elements = 256, bytes = 98;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int group = 0; group < 8; ++group) {
      const Byte* rows = block + 2 + group * 8;
      const std::uint32_t rest = load_u32(block + 66 + group * 4);
      const float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
      for (int i = 0; i < 4; ++i, out += 8) {
        const int signs = eight_signs(rest >> 7 * i);
        signed_row(iq3_xxs_codebook[rows[i * 2]], signs, scale, out);
        signed_row(iq3_xxs_codebook[rows[i * 2 + 1]], signs >> 4, scale, out + 4);
      }
    }
  }
};

// d (half), low bytes of 64 rows, their ninth bits, 256 signs, 8 scales of 4 bits
struct IQ3_S {
  static constexpr int elements = 256, bytes = 110;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 64; ++i, out += 4) {
      const float scale = d * number(1 + 2 * (block[106 + i / 16] >> i / 8 % 2 * 4 & 15));
      const unsigned row = block[2 + i] | (block[66 + i / 8] >> i % 8 & 1u) << 8;
      signed_row(iq3_s_codebook[row], block[74 + i / 2] >> i % 2 * 4, scale, out);
    }
  }
};

// Of IQ1 every number is a little above or below -1, 0 or 1.
void shifted_row(unsigned row, float shift, float scale, float* out) {
  for (int i = 0; i < 8; ++i)
    out[i] = scale * (number(iq1_codebook[row][static_cast<std::size_t>(i)]) + shift);
}
float iq1_shift(bool below) {
  return below ? -0.125f : 0.125f;
}

// d (half), low bytes of 32 rows, for each 4 rows their upper three bits, a scale of 3 bits and the shift's
// sign
struct IQ1_S {
  static constexpr int elements = 256, bytes = 50;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 32; ++i, out += 8) {
      const unsigned high = load_u16(block + 34 + i / 4 * 2);
      const float scale = d * number(2 * (high >> 12 & 7) + 1);
      shifted_row(block[2 + i] | (high >> i % 4 * 3 & 7) << 8, iq1_shift(high & 0x8000), scale, out);
    }
  }
};

// Low bytes of 32 rows, for each row its upper three bits and the shift's sign, 16 scales of 3 bits in four
// words, in whose upper four bits lies d (half)
struct IQ1_M {
  static constexpr int elements = 256, bytes = 56;
  static void expand(const Byte* block, float* out) {
    unsigned d_bits = 0;
    for (int i = 0; i < 4; ++i) d_bits |= static_cast<unsigned>(block[49 + i * 2] >> 4) << i * 4;
    const float d = half_to_float(static_cast<std::uint16_t>(d_bits));
    for (int i = 0; i < 32; ++i, out += 8) {
      const unsigned high = block[32 + i / 2] >> i % 2 * 4;
      const int scale = load_u16(block + 48 + i / 8 * 2) >> i / 2 % 4 * 3 & 7;
      shifted_row(block[i] | (high & 7) << 8, iq1_shift(high & 8), d * number(2 * scale + 1), out);
    }
  }
};

constexpr std::int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};

void expand_iq4(const Byte* nibbles, float scale, float* out) {
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * number(iq4_values[nibbles[i] & 15]);
    out[i + 16] = scale * number(iq4_values[nibbles[i] >> 4]);
  }
}

// d (half), 16 bytes of nibbles
struct IQ4_NL {
  static constexpr int elements = 32, bytes = 18;
  static void expand(const Byte* block, float* out) { expand_iq4(block + 2, load_half(block), out); }
};

// d (half), upper two bits of 8 scales, their lower four, 128 bytes of nibbles
struct IQ4_XS {
  static constexpr int elements = 256, bytes = 136;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    const int high = load_u16(block + 2);
    for (int group = 0; group < 8; ++group) {
      const int scale = (block[4 + group / 2] >> group % 2 * 4 & 15) | (high >> group * 2 & 3) << 4;
      expand_iq4(block + 8 + group * 16, d * number(scale - 32), out + group * 32);
    }
  }
};

constexpr BlockFormat formats[] = {
    format_of<IQ1_S>(ElementType::IQ1_S, "IQ1_S"),       format_of<IQ1_M>(ElementType::IQ1_M, "IQ1_M"),
    format_of<IQ2_XXS>(ElementType::IQ2_XXS, "IQ2_XXS"), format_of<IQ2_XS>(ElementType::IQ2_XS, "IQ2_XS"),
    format_of<IQ2_S>(ElementType::IQ2_S, "IQ2_S"),       format_of<IQ3_XXS>(ElementType::IQ3_XXS, "IQ3_XXS"),
    format_of<IQ3_S>(ElementType::IQ3_S, "IQ3_S"),       format_of<IQ4_NL>(ElementType::IQ4_NL, "IQ4_NL"),
    format_of<IQ4_XS>(ElementType::IQ4_XS, "IQ4_XS")};

}  // namespace

std::span<const BlockFormat> codebook_formats() {
  return formats;
}

}  // namespace qkscope::blocks
