#include "core/io/tensor_entry.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/wording.h"
#include "core/io/dequantize.h"

namespace qkscope {
namespace {

constexpr std::int64_t numbers_between_stops = 1 << 20;  // 4 MB of float32, a multiple of every block

/// Of an entry's bytes.
BlockLayout layout_of(const TensorEntry& entry) {
  const BlockLayout block = block_layout(entry.type);
  return entry.scales.empty() ? block : BlockLayout{block.elements, block.bytes - 1};
}

// Whether an entry's bytes are those of its shape.
bool has_room(const TensorEntry& entry) {
  const BlockLayout block = layout_of(entry);
  std::int64_t numbers = entry.numel();
  if (numbers > 0 && !entry.strides.empty()) {
    if (entry.permuted_heads != 0 || entry.strides.size() != entry.shape.size()) return false;
    numbers = 1;
    for (std::size_t i = 0; i < entry.shape.size(); ++i) numbers += (entry.shape[i] - 1) * entry.strides[i];
  }
  const auto scales = static_cast<std::int64_t>(entry.scales.size());
  if (scales != 0 && (entry.type != ElementType::MXFP4 || scales != numbers / block.elements)) return false;
  return static_cast<std::int64_t>(entry.bytes.size()) == numbers / block.elements * block.bytes;
}

}  // namespace

std::int64_t TensorEntry::numel() const {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

namespace {

[[noreturn]] void refuse_part(const TensorEntry& entry) {
  throw Error("tensor " + in_quotes(entry.name) + " is stored as " +
              std::string(element_type_name(entry.type)) + " in a way that no part of it can be taken from");
}

/// Distances of a tensor's numbers, also of one that is stored row by row.
std::vector<std::int64_t> strides_of(const TensorEntry& entry) {
  if (!entry.strides.empty()) return entry.strides;
  std::vector<std::int64_t> strides(entry.shape.size(), 1);
  for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * entry.shape[i];
  return strides;
}

/// `part` lies `offset` numbers behind the start of `entry`; its bytes end with its last number.
TensorEntry placed(TensorEntry part, const TensorEntry& entry, std::int64_t offset) {
  const BlockLayout block = layout_of(entry);
  const bool whole_blocks = part.strides.back() == 1 && part.shape.back() % block.elements == 0 &&
                            offset % block.elements == 0 &&
                            std::all_of(part.strides.begin(), part.strides.end() - 1,
                                        [&](std::int64_t stride) { return stride % block.elements == 0; });
  if ((block.elements != 1 && !whole_blocks) || entry.permuted_heads != 0) refuse_part(entry);
  std::int64_t numbers = part.numel() > 0 ? 1 : 0;
  for (std::size_t i = 0; i < part.shape.size() && numbers > 0; ++i)
    numbers += (part.shape[i] - 1) * part.strides[i];
  const auto first = static_cast<std::size_t>(offset / block.elements);
  const auto blocks = static_cast<std::size_t>(numbers / block.elements);
  const auto size = static_cast<std::size_t>(block.bytes);
  part.bytes = entry.bytes.subspan(first * size, blocks * size);
  if (!entry.scales.empty()) part.scales = entry.scales.subspan(first, blocks);
  return part;
}

/// MXFP4 whose scales stand apart, `blocks` blocks of it: put together as GGUF has it, where numbers i and
/// i + 16 of a block share a byte.
void read_scales_apart(const std::byte* bytes, const std::byte* scales, std::int64_t blocks, float* out) {
  constexpr std::size_t half = 16;
  for (std::int64_t b = 0; b < blocks; ++b, bytes += half, out += 2 * half) {
    std::array<std::byte, 1 + half> block{scales[b]};
    const auto nibble = [&](std::size_t i) { return bytes[i / 2] >> (i % 2 * 4) & std::byte{15}; };
    for (std::size_t i = 0; i < half; ++i) block[1 + i] = nibble(i) | nibble(i + half) << 4;
    dequantize(ElementType::MXFP4, block.data(), 2 * half, out);
  }
}

}  // namespace

TensorEntry rows_of(const TensorEntry& entry, std::int64_t first, std::int64_t count, std::int64_t step) {
  TensorEntry part = entry;
  part.shape.at(0) = count;
  if (entry.strides.empty() && step == 1 && entry.permuted_heads == 0) {  // whole rows, blocks and all
    const auto rows = static_cast<std::size_t>(entry.shape[0]);
    if (entry.bytes.size() / rows % static_cast<std::size_t>(layout_of(entry).bytes) != 0) refuse_part(entry);
    const auto take = [&](std::span<const std::byte> bytes) {
      const std::size_t row = bytes.size() / rows;
      return bytes.subspan(static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row);
    };
    part.bytes = take(entry.bytes);
    part.scales = take(entry.scales);
    return part;
  }
  part.strides = strides_of(entry);
  const std::int64_t offset = first * part.strides[0];
  part.strides[0] *= step;
  return placed(std::move(part), entry, offset);
}

TensorEntry slab_of(const TensorEntry& entry, std::int64_t index) {
  TensorEntry part = rows_of(entry, index, 1);
  part.shape.erase(part.shape.begin());
  if (!part.strides.empty()) part.strides.erase(part.strides.begin());
  return part;
}

TensorEntry transposed_of(const TensorEntry& entry) {
  TensorEntry part = entry;
  part.strides = strides_of(entry);
  std::swap(part.shape.at(0), part.shape.at(1));
  std::swap(part.strides.at(0), part.strides.at(1));
  return placed(std::move(part), entry, 0);
}

std::vector<TensorEntry> ordered_parts(const TensorEntry& entry) {
  if (entry.permuted_heads == 0) return {entry};
  // Within a head of D rows the converter put the two halves alternately: file row 2 i + half for row
  // half * D / 2 + i.
  TensorEntry file = entry;
  file.permuted_heads = 0;
  const std::int64_t head_rows = entry.shape.at(0) / entry.permuted_heads;
  std::vector<TensorEntry> parts;
  for (std::int64_t head = 0; head < entry.permuted_heads; ++head) {
    for (const std::int64_t half : {0, 1})
      parts.push_back(rows_of(file, head * head_rows + half, head_rows / 2, 2));
  }
  return parts;
}

std::vector<TensorEntry> row_chunks(const TensorEntry& entry, std::int64_t numbers) {
  std::vector<TensorEntry> chunks;
  for (TensorEntry& part : ordered_parts(entry)) {
    const std::int64_t count = part.numel();
    const bool whole_blocks = part.shape.size() > 1 && part.shape.back() % layout_of(part).elements == 0;
    if (count <= numbers || !whole_blocks) {
      chunks.push_back(std::move(part));
      continue;
    }
    const std::int64_t rows = part.shape[0], step = std::max<std::int64_t>(1, numbers / (count / rows));
    for (std::int64_t row = 0; row < rows; row += step)
      chunks.push_back(rows_of(part, row, std::min(step, rows - row)));
  }
  return chunks;
}

void read_float32(const TensorEntry& entry, std::span<float> out, std::stop_token stop) {
  const std::int64_t count = entry.numel();
  if (static_cast<std::int64_t>(out.size()) != count || !has_room(entry)) {
    throw Error("read_float32 got " + std::to_string(out.size()) + " numbers of room for tensor " +
                entry.name + " of shape " + shape_text(entry.shape));
  }
  if (entry.permuted_heads != 0) {
    auto rest = out;
    for (const TensorEntry& part : ordered_parts(entry)) {
      const auto numbers = static_cast<std::size_t>(part.numel());
      read_float32(part, rest.first(numbers), stop);
      rest = rest.subspan(numbers);
    }
    return;
  }
  const BlockLayout block = layout_of(entry);
  const auto read = [&](std::int64_t first, std::int64_t numbers, float* to) {
    const std::int64_t blocks = first / block.elements;
    const std::byte* bytes = entry.bytes.data() + blocks * block.bytes;
    if (entry.scales.empty()) {
      dequantize(entry.type, bytes, numbers, to);
    } else {
      read_scales_apart(bytes, entry.scales.data() + blocks, numbers / block.elements, to);
    }
  };
  const auto stop_if_asked = [&] {
    if (stop.stop_requested()) throw Cancelled();
  };
  stop_if_asked();
  if (entry.strides.empty()) {
    for (std::int64_t first = 0; first < count; first += numbers_between_stops) {
      stop_if_asked();
      read(first, std::min(numbers_between_stops, count - first), out.data() + first);
    }
    return;
  }
  const std::int64_t rows = count == 0 ? 0 : entry.shape.at(0);
  const std::int64_t columns = rows == 0 ? 0 : count / rows;
  const std::int64_t rows_between_stops =
      std::max<std::int64_t>(1, numbers_between_stops / std::max<std::int64_t>(1, columns));
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row % rows_between_stops == 0) stop_if_asked();
    if (block.elements > 1) {
      read(row * entry.strides[0], columns, out.data() + row * columns);
    } else {
      dequantize_strided(entry.type, entry.bytes.data() + row * entry.strides[0] * block.bytes,
                         std::span(entry.shape).subspan(1), std::span(entry.strides).subspan(1),
                         out.data() + row * columns);
    }
  }
}

}  // namespace qkscope
