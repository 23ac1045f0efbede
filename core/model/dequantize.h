#pragma once
#include <cstddef>
#include <cstdint>

#include "core/model/checkpoint.h"

namespace qkscope {

/// Quantized numbers come in blocks: `elements` numbers in `bytes` bytes. Plain types are blocks of one.
struct BlockLayout {
  std::int64_t elements;
  std::int64_t bytes;
};
BlockLayout block_layout(ElementType type);

/// The `count` numbers stored at `bytes`, as float32. `count` is a multiple of the block's elements. Equals
/// gguf.quants.dequantize of the PyPI package `gguf` bit for bit, NaN payloads excepted.
void dequantize(ElementType type, const std::byte* bytes, std::int64_t count, float* out);

/// IEEE half precision and bfloat16, given as their bits.
float half_to_float(std::uint16_t bits);
float bfloat16_to_float(std::uint16_t bits);

}  // namespace qkscope
