#include "core/io/dequantize.h"

#include <vector>

#include "core/base/error.h"
#include "core/io/blocks/block_format.h"

namespace qkscope {
namespace {

using blocks::BlockFormat;

// In the order of ElementType.
const std::vector<BlockFormat>& all_formats() {
  static const std::vector<BlockFormat> formats = [] {
    std::vector<BlockFormat> all;
    for (const auto part : {blocks::plain_formats(), blocks::simple_formats(), blocks::k_formats(),
                            blocks::codebook_formats(), blocks::small_formats()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return formats;
}

// Returns where the next number goes.
float* expand_strided(const BlockFormat& format, const std::byte* bytes, std::span<const std::int64_t> shape,
                      std::span<const std::int64_t> strides, float* out) {
  if (shape.empty() || (shape.size() == 1 && strides[0] == 1)) {
    const std::int64_t count = shape.empty() ? 1 : shape[0];
    format.expand(bytes, count, out);
    return out + count;
  }
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    out = expand_strided(format, bytes + i * strides[0] * format.layout.bytes, shape.subspan(1),
                         strides.subspan(1), out);
  }
  return out;
}

const BlockFormat& format_of(ElementType type) {
  const auto& formats = all_formats();
  const auto index = static_cast<std::size_t>(type);
  if (index >= formats.size() || formats[index].type != type)
    throw Error("an ElementType outside its enumeration");
  return formats[index];
}

}  // namespace

std::string_view element_type_name(ElementType type) {
  return format_of(type).name;
}

std::optional<ElementType> element_type_of(std::string_view name) {
  for (const BlockFormat& format : all_formats()) {
    if (format.name == name) return format.type;
  }
  return {};
}

std::vector<ElementType> element_types() {
  std::vector<ElementType> types;
  for (const BlockFormat& format : all_formats()) types.push_back(format.type);
  return types;
}

BlockLayout block_layout(ElementType type) {
  return format_of(type).layout;
}

void dequantize(ElementType type, const std::byte* bytes, std::int64_t count, float* out) {
  const BlockFormat& format = format_of(type);
  format.expand(bytes, count / format.layout.elements, out);
}

void dequantize_strided(ElementType type, const std::byte* bytes, std::span<const std::int64_t> shape,
                        std::span<const std::int64_t> strides, float* out) {
  expand_strided(format_of(type), bytes, shape, strides, out);
}

}  // namespace qkscope
