#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/io/tensor_entry.h"

namespace qkscope {

/// Quantized numbers come in blocks: `elements` numbers in `bytes` bytes. Plain types are blocks of one.
struct BlockLayout {
  std::int64_t elements;
  std::int64_t bytes;
};
BlockLayout block_layout(ElementType type);

/// All there are.
std::vector<ElementType> element_types();

/// The `count` numbers stored at `bytes`, as float32. `count` is a multiple of the block's elements. Equals
/// gguf.quants.dequantize of the PyPI package `gguf` bit for bit, NaN payloads excepted; integers and Q8_K,
/// which that package does not expand, are converted and expanded as ggml does.
void dequantize(ElementType type, const std::byte* bytes, std::int64_t count, float* out);

/// Numbers of a plain type at regular distances, as float32 in row-major order: element (i, j, ...) of
/// `shape` is number i * strides[0] + j * strides[1] + ... from `bytes` on. There is at least one.
void dequantize_strided(ElementType type, const std::byte* bytes, std::span<const std::int64_t> shape,
                        std::span<const std::int64_t> strides, float* out);

/// IEEE half precision and bfloat16, given as their bits. Here, so that loops over them are vectorised.
inline float half_to_float(std::uint16_t bits) {
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
inline float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace qkscope
