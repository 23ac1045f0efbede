#include "core/io/blocks/block_format.h"

namespace qkscope::blocks {
namespace {

// d (half), 16 bytes of nibbles: low nibbles first
struct Q4_0 {
  static constexpr int elements = 32, bytes = 18;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * number((block[2 + i] & 15) - 8);
      out[i + 16] = d * number((block[2 + i] >> 4) - 8);
    }
  }
};

// d, m (halves), 16 bytes of nibbles
struct Q4_1 {
  static constexpr int elements = 32, bytes = 20;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), m = load_half(block + 2);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * number(block[4 + i] & 15) + m;
      out[i + 16] = d * number(block[4 + i] >> 4) + m;
    }
  }
};

// d (half), 32 fifth bits, 16 bytes of nibbles
struct Q5_0 {
  static constexpr int elements = 32, bytes = 22;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    const std::uint32_t high = load_u32(block + 2);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1), high_bit = static_cast<int>(high >> (i + 16) & 1);
      out[i] = d * number(((block[6 + i] & 15) | low_bit << 4) - 16);
      out[i + 16] = d * number((block[6 + i] >> 4 | high_bit << 4) - 16);
    }
  }
};

// d, m (halves), 32 fifth bits, 16 bytes of nibbles
struct Q5_1 {
  static constexpr int elements = 32, bytes = 24;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), m = load_half(block + 2);
    const std::uint32_t high = load_u32(block + 4);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1), high_bit = static_cast<int>(high >> (i + 16) & 1);
      out[i] = d * number((block[8 + i] & 15) | low_bit << 4) + m;
      out[i + 16] = d * number(block[8 + i] >> 4 | high_bit << 4) + m;
    }
  }
};

// d (half), 32 int8
struct Q8_0 {
  static constexpr int elements = 32, bytes = 34;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 32; ++i) out[i] = number(static_cast<std::int8_t>(block[2 + i])) * d;
  }
};

constexpr BlockFormat formats[] = {
    format_of<Q4_0>(ElementType::Q4_0, "Q4_0"), format_of<Q4_1>(ElementType::Q4_1, "Q4_1"),
    format_of<Q5_0>(ElementType::Q5_0, "Q5_0"), format_of<Q5_1>(ElementType::Q5_1, "Q5_1"),
    format_of<Q8_0>(ElementType::Q8_0, "Q8_0")};

}  // namespace

std::span<const BlockFormat> simple_formats() {
  return formats;
}

}  // namespace qkscope::blocks
