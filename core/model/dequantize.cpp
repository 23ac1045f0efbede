// Must be compiled without floating-point contraction: d * q + m as one fused operation rounds differently
// from the reference. core/CMakeLists.txt says so to the compiler.
#include "core/model/dequantize.h"

#include <bit>
#include <cstring>

#include "core/error.h"

namespace qkscope {
namespace {

using Byte = std::uint8_t;

std::uint16_t load_u16(const Byte* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
}
float load_half(const Byte* bytes) {
  return half_to_float(load_u16(bytes));
}

// The layouts of the blocks are those of ggml's ggml-common.h: block_q4_0 and so on.

// d (half), 16 bytes of nibbles: low nibbles first
struct Q4_0 {
  static constexpr int elements = 32, bytes = 18;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>((block[2 + i] & 15) - 8);
      out[i + 16] = d * static_cast<float>((block[2 + i] >> 4) - 8);
    }
  }
};

// d, m (halves), 16 bytes of nibbles
struct Q4_1 {
  static constexpr int elements = 32, bytes = 20;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), m = load_half(block + 2);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>(block[4 + i] & 15) + m;
      out[i + 16] = d * static_cast<float>(block[4 + i] >> 4) + m;
    }
  }
};

// d (half), 32 fifth bits, 16 bytes of nibbles
struct Q5_0 {
  static constexpr int elements = 32, bytes = 22;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    std::uint32_t high;
    std::memcpy(&high, block + 2, 4);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1), high_bit = static_cast<int>(high >> (i + 16) & 1);
      out[i] = d * static_cast<float>(((block[6 + i] & 15) | low_bit << 4) - 16);
      out[i + 16] = d * static_cast<float>((block[6 + i] >> 4 | high_bit << 4) - 16);
    }
  }
};

// d, m (halves), 32 fifth bits, 16 bytes of nibbles
struct Q5_1 {
  static constexpr int elements = 32, bytes = 24;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), m = load_half(block + 2);
    std::uint32_t high;
    std::memcpy(&high, block + 4, 4);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1), high_bit = static_cast<int>(high >> (i + 16) & 1);
      out[i] = d * static_cast<float>((block[8 + i] & 15) | low_bit << 4) + m;
      out[i + 16] = d * static_cast<float>(block[8 + i] >> 4 | high_bit << 4) + m;
    }
  }
};

// d (half), 32 int8
struct Q8_0 {
  static constexpr int elements = 32, bytes = 34;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block);
    for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * d;
  }
};

// The eight 6-bit scales and eight 6-bit minima of Q4_K and Q5_K, packed into 12 bytes.
void unpack_scales(const Byte* packed, Byte* scales, Byte* minima) {
  for (int i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 63;
    minima[i] = packed[4 + i] & 63;
    scales[4 + i] = static_cast<Byte>((packed[8 + i] & 15) | (packed[i] >> 2 & 48));
    minima[4 + i] = static_cast<Byte>(packed[8 + i] >> 4 | (packed[4 + i] >> 2 & 48));
  }
}

// d, dmin (halves), 12 bytes of scales and minima, 128 bytes of nibbles
struct Q4_K {
  static constexpr int elements = 256, bytes = 144;
  static void expand(const Byte* block, float* out) {
    const float d = load_half(block), dmin = load_half(block + 2);
    Byte scales[8], minima[8];
    unpack_scales(block + 4, scales, minima);
    for (int group = 0; group < 8; ++group) {
      const float scale = d * static_cast<float>(scales[group]);
      const float minimum = dmin * static_cast<float>(minima[group]);
      const Byte* nibbles = &block[16 + group / 2 * 32];
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i)
        out[group * 32 + i] = scale * static_cast<float>(nibbles[i] >> shift & 15) - minimum;
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
      const float scale = d * static_cast<float>(scales[group]);
      const float minimum = dmin * static_cast<float>(minima[group]);
      const Byte* nibbles = &block[48 + group / 2 * 32];
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        const int q = (nibbles[i] >> shift & 15) | (high[i] >> group & 1) << 4;
        out[group * 32 + i] = scale * static_cast<float>(q) - minimum;
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
        const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + group * 2 + half]));
        for (int i = half * 16; i < half * 16 + 16; ++i) {
          const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
          out[group * 32 + i] = scale * static_cast<float>(q - 32);
        }
      }
    }
  }
};

struct F32 {
  static constexpr int elements = 1, bytes = 4;
  static void expand(const Byte* in, float* out) { std::memcpy(out, in, 4); }
};
struct F64 {
  static constexpr int elements = 1, bytes = 8;
  static void expand(const Byte* in, float* out) {
    double value;
    std::memcpy(&value, in, 8);
    *out = static_cast<float>(value);
  }
};
struct F16 {
  static constexpr int elements = 1, bytes = 2;
  static void expand(const Byte* in, float* out) { *out = load_half(in); }
};
struct BF16 {
  static constexpr int elements = 1, bytes = 2;
  static void expand(const Byte* in, float* out) { *out = bfloat16_to_float(load_u16(in)); }
};

template <typename Block>
void expand_all(const std::byte* bytes, std::int64_t count, float* out) {
  const auto* in = reinterpret_cast<const Byte*>(bytes);
  const std::int64_t blocks = count / Block::elements;
  for (std::int64_t i = 0; i < blocks; ++i) Block::expand(in + i * Block::bytes, out + i * Block::elements);
}

// One place knows which type belongs to which block: calls use(Block{}).
template <typename Use>
auto with_block(ElementType type, Use use) {
  switch (type) {
    case ElementType::F64:
      return use(F64{});
    case ElementType::F32:
      return use(F32{});
    case ElementType::F16:
      return use(F16{});
    case ElementType::BF16:
      return use(BF16{});
    case ElementType::Q4_0:
      return use(Q4_0{});
    case ElementType::Q4_1:
      return use(Q4_1{});
    case ElementType::Q5_0:
      return use(Q5_0{});
    case ElementType::Q5_1:
      return use(Q5_1{});
    case ElementType::Q8_0:
      return use(Q8_0{});
    case ElementType::Q4_K:
      return use(Q4_K{});
    case ElementType::Q5_K:
      return use(Q5_K{});
    case ElementType::Q6_K:
      return use(Q6_K{});
  }
  throw Error("an ElementType outside its enumeration");
}

}  // namespace

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t magnitude = bits & 0x7fff;
  // Normal numbers, infinity and NaN: the same bits 13 places up, the exponent's bias moved from 15 to 127 by
  // a multiplication with 2^-112, which leaves infinity and NaN what they are.
  const float normal = std::bit_cast<float>((magnitude << 13) + 0x70000000u) * 0x1p-112f;
  // Subnormal numbers: the fraction under 0.5, from which 0.5 is taken again. Both are exact.
  const float subnormal = std::bit_cast<float>(magnitude | 0x3f000000u) - 0.5f;
  const auto value = std::bit_cast<std::uint32_t>(magnitude < 0x0400 ? subnormal : normal);
  return std::bit_cast<float>(value | sign);
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

BlockLayout block_layout(ElementType type) {
  return with_block(type, [](auto block) {
    return BlockLayout{decltype(block)::elements, decltype(block)::bytes};
  });
}

void dequantize(ElementType type, const std::byte* bytes, std::int64_t count, float* out) {
  with_block(type, [&](auto block) { expand_all<decltype(block)>(bytes, count, out); });
}

}  // namespace qkscope
