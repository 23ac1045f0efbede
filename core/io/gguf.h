#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/tensor_entry.h"

namespace qkscope {

class Budget;

/// The key-value pairs of a GGUF file, left where they are in the mapped file until asked for: a vocabulary
/// of 150,000 entries costs nothing before and one vector of views after. Views and spans live as long as the
/// Checkpoint. Each getter gives nothing where the key is absent and throws Error naming the key, what was
/// found and what was expected where it is of another type.
class GgufMetadata {
 public:
  /// The type numbers of the format.
  enum class Type : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

  bool contains(std::string_view key) const { return values_.contains(key); }
  std::vector<std::string_view> keys() const;
  std::optional<std::string_view> string(std::string_view key) const;
  /// Any integer type, if the number fits.
  std::optional<std::int64_t> integer(std::string_view key) const;
  /// Any integer or floating type.
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::vector<std::string_view>> strings(std::string_view key) const;
  /// An array of any integer type.
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
  /// An array of any integer or floating type.
  std::optional<std::vector<double>> numbers(std::string_view key) const;
  /// An array of bools or of any integer type, of which 0 is false.
  std::optional<std::vector<bool>> flags(std::string_view key) const;
  bool is_array(std::string_view key) const;

 private:
  friend struct GgufParser;
  struct Value {
    Type type;                           // of an array: its elements'
    std::optional<std::uint64_t> count;  // arrays have one
    std::span<const std::byte> bytes;    // the payload, checked to be complete
  };
  const Value* find(std::string_view key, bool array) const;
  [[noreturn]] void wrong_type(std::string_view key, const Value& value, const char* expected) const;

  std::string file_;
  std::map<std::string, Value, std::less<>> values_;
};

/// A tensor as the file has it.
struct GgufTensor {
  std::string name;                 // GGUF's: "blk.0.attn_q.weight"
  std::vector<std::int64_t> shape;  // row-major (the file lists the sizes the other way round)
  std::optional<ElementType> type;  // nothing: one that cannot be read; then `bytes` is empty
  std::string type_name;            // "Q4_K", "IQ2_XS", "number 99"
  std::span<const std::byte> bytes;
};

struct GgufDirectory {
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  // in the file's order
};

/// Reads the header of a GGUF file of version 2 or 3, of which `file` is every byte
/// (ggml-org/ggml, docs/gguf.md). Throws Error naming `where`.
GgufDirectory parse_gguf(std::span<const std::byte> file, const std::string& where, Budget& budget);

}  // namespace qkscope
