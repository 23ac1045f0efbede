#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/array.h"
#include "core/io/tensor_entry.h"

namespace qkscope {

class Budget;

/// One tensor of a .safetensors file, its numbers in place.
struct SafetensorsTensor {
  std::string name;
  std::string dtype;                // as spelt in the file: "F32", "BF16", "I64", ...
  std::vector<std::int64_t> shape;  // row-major
  std::span<const std::byte> bytes;
};

struct SafetensorsDirectory {
  std::vector<SafetensorsTensor> tensors;  // sorted by name
  std::map<std::string, std::string> metadata;
};

/// Reads the header of a .safetensors file, of which `file` is every byte: 8 bytes little-endian length,
/// JSON, data without holes (huggingface/safetensors, README "Format"). Throws Error starting with `where`
/// for whatever breaks those rules. A dtype that is not known is kept as spelt: whoever needs the tensor says
/// that it cannot be read.
SafetensorsDirectory parse_safetensors(std::span<const std::byte> file, const std::string& where,
                                       Budget& budget);

/// The floating type a safetensors dtype spells; nothing for integers and those we cannot read.
std::optional<ElementType> float_type(std::string_view dtype);

/// A whole file of named arrays, as SafetensorsWriter leaves it or any other program.
struct ArrayFile {
  std::map<std::string, Array> arrays;                        // F32, F16, BF16 and F64, as float32
  std::map<std::string, std::vector<std::int64_t>> integers;  // I64, flat
  std::map<std::string, std::string> metadata;
};

/// Reads it, or the file whose bytes these are. Throws Error naming the file, tensors of other dtypes
/// included.
ArrayFile read_safetensors(std::span<const std::byte> file, const std::string& where, Budget& budget);
ArrayFile read_safetensors(const std::filesystem::path& path, Budget& budget);
ArrayFile read_safetensors(const std::filesystem::path& path);

}  // namespace qkscope
