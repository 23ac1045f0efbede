#include <cstring>

#include "core/io/blocks/block_format.h"

namespace qkscope::blocks {
namespace {

template <typename T>
struct Plain {
  static constexpr int elements = 1, bytes = sizeof(T);
  static void expand(const Byte* in, float* out) {
    T value;
    std::memcpy(&value, in, sizeof(T));
    *out = static_cast<float>(value);
  }
};
// Copied as bits: a conversion would quieten NaNs.
template <>
struct Plain<float> {
  static constexpr int elements = 1, bytes = 4;
  static void expand(const Byte* in, float* out) { std::memcpy(out, in, 4); }
};
struct F16 {
  static constexpr int elements = 1, bytes = 2;
  static void expand(const Byte* in, float* out) { *out = load_half(in); }
};
struct BF16 {
  static constexpr int elements = 1, bytes = 2;
  static void expand(const Byte* in, float* out) { *out = bfloat16_to_float(load_u16(in)); }
};

constexpr BlockFormat formats[] = {format_of<Plain<double>>(ElementType::F64, "F64"),
                                   format_of<Plain<float>>(ElementType::F32, "F32"),
                                   format_of<F16>(ElementType::F16, "F16"),
                                   format_of<BF16>(ElementType::BF16, "BF16"),
                                   format_of<Plain<std::int64_t>>(ElementType::I64, "I64"),
                                   format_of<Plain<std::int32_t>>(ElementType::I32, "I32"),
                                   format_of<Plain<std::int16_t>>(ElementType::I16, "I16"),
                                   format_of<Plain<std::int8_t>>(ElementType::I8, "I8"),
                                   format_of<Plain<std::uint8_t>>(ElementType::U8, "U8")};

}  // namespace

std::span<const BlockFormat> plain_formats() {
  return formats;
}

}  // namespace qkscope::blocks
