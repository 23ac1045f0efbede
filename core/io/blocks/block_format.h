#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/io/dequantize.h"
#include "core/io/tensor_entry.h"

// How numbers are stored, one description for each ElementType. The layouts of the blocks are those of ggml's
// ggml-common.h (block_q4_0 and so on), the order of the operations that of gguf.quants.
//
// Whatever includes this file must be compiled without floating-point contraction: d * q + m as one fused
// operation rounds differently from the reference. core/CMakeLists.txt says so to the compiler.
namespace qkscope::blocks {

using Byte = std::uint8_t;

struct BlockFormat {
  ElementType type;
  std::string_view name;
  BlockLayout layout;
  /// `blocks` blocks, one after the other.
  void (*expand)(const std::byte* bytes, std::int64_t blocks, float* out);
};

/// Of a struct with `elements`, `bytes` and expand(const Byte* block, float* out) for one block.
template <typename Block>
constexpr BlockFormat format_of(ElementType type, std::string_view name) {
  return {type,
          name,
          {Block::elements, Block::bytes},
          [](const std::byte* bytes, std::int64_t blocks, float* out) {
            const auto* in = reinterpret_cast<const Byte*>(bytes);
            for (std::int64_t i = 0; i < blocks; ++i)
              Block::expand(in + i * Block::bytes, out + i * Block::elements);
          }};
}

std::span<const BlockFormat> plain_formats();     // one number a block
std::span<const BlockFormat> simple_formats();    // Q4_0 to Q8_0: 32 numbers, a scale, perhaps a minimum
std::span<const BlockFormat> k_formats();         // Q2_K to Q8_K: 256 numbers, quantized scales
std::span<const BlockFormat> codebook_formats();  // IQ1 to IQ4: indices into tables
std::span<const BlockFormat> small_formats();     // TQ1_0, TQ2_0: three values; MXFP4, NVFP4: four-bit floats

inline std::uint16_t load_u16(const Byte* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
}
inline std::uint32_t load_u32(const Byte* bytes) {
  return load_u16(bytes) | static_cast<std::uint32_t>(load_u16(bytes + 2)) << 16;
}
inline float load_half(const Byte* bytes) {
  return half_to_float(load_u16(bytes));
}
/// A small number made of bits, as float.
inline float number(int value) {
  return static_cast<float>(value);
}

}  // namespace qkscope::blocks
