#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// How a tensor's numbers are stored in a file.
// clang-format off
enum class ElementType {
  F64, F32, F16, BF16, I64, I32, I16, I8, U8,
  Q4_0, Q4_1, Q5_0, Q5_1, Q8_0,
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K,
  IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS,
  TQ1_0, TQ2_0, MXFP4, NVFP4
};
// clang-format on

/// "F32", "Q4_1", ...
std::string_view element_type_name(ElementType type);
/// The type of that name; nothing where there is none.
std::optional<ElementType> element_type_of(std::string_view name);

/// One tensor of a checkpoint: where it lies, not its numbers.
struct TensorEntry {
  std::string name;                 // Hugging Face's parameter name, also for a GGUF file
  std::vector<std::int64_t> shape;  // row-major, Hugging Face's order: (out_features, in_features)
  ElementType type = ElementType::F32;
  std::span<const std::byte> bytes;  // in the mapped file; checked to lie inside it and to fit shape and type
  /// GGUF converters reorder the rows of Llama's Q and K for interleaved rotary pairs, head by head. Number
  /// of heads whose rows Checkpoint::read puts back into rotate-half order; 0 = rows are as they should be.
  int permuted_heads = 0;
  /// Of a tensor that is not stored row by row: number (i, j, ...) is number
  /// i * strides[0] + j * strides[1] + ... of `bytes`, which end with the last one. Empty = row by row. Of a
  /// type of blocks whole rows only lie apart.
  std::vector<std::int64_t> strides{};
  /// Of MXFP4 as a Hugging Face checkpoint stores it: the blocks' scales, one byte each. `bytes` are then 16
  /// a block, with two neighbours in each.
  std::span<const std::byte> scales{};

  std::int64_t numel() const;
};

/// Parts of a tensor as tensors: `count` of its rows (its entries along the first axis) from `first` on,
/// every `step`-th; entry `index` along the first axis, of one dimension less; a matrix with its axes
/// exchanged, plain types only. Throw Error where the tensor's storage does not allow it.
TensorEntry rows_of(const TensorEntry& entry, std::int64_t first, std::int64_t count, std::int64_t step = 1);
TensorEntry slab_of(const TensorEntry& entry, std::int64_t index);
TensorEntry transposed_of(const TensorEntry& entry);
/// The rows of a tensor as they should be: itself, or, where heads are permuted, the halves of each head one
/// after the other, which lie in every second row of the file.
std::vector<TensorEntry> ordered_parts(const TensorEntry& entry);

/// The same in parts of about `numbers` numbers, whole rows each, for readers that work side by side; with
/// larger ones where rows are longer or cannot be taken apart.
std::vector<TensorEntry> row_chunks(const TensorEntry& entry, std::int64_t numbers);

/// Writes the numbers of `entry` as float32 to `out` (entry.numel() floats): converted or dequantized, rows
/// un-permuted. Dequantization equals that of the PyPI package `gguf` bit for bit. Throws Cancelled.
void read_float32(const TensorEntry& entry, std::span<float> out, std::stop_token stop = {});

}  // namespace qkscope
