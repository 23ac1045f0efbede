#include "core/io/gguf.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/byte_reader.h"
#include "core/io/dequantize.h"

namespace qkscope {
namespace {

using Type = GgufMetadata::Type;
constexpr std::uint32_t num_types = 13;

// Bytes of one value; 0 where it is not fixed.
constexpr std::uint64_t size_of(Type type) {
  constexpr std::uint64_t sizes[num_types] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<std::uint32_t>(type)];
}

std::string type_name(Type type) {
  constexpr const char* names[num_types] = {"uint8",  "int8",    "uint16", "int16",  "uint32",
                                            "int32",  "float32", "bool",   "string", "array",
                                            "uint64", "int64",   "float64"};
  return names[static_cast<std::uint32_t>(type)];
}

// ggml's numbers of the tensor types, in its order; some are types that were given up.
constexpr const char* ggml_types[] = {
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0"};

std::string ggml_type_name(std::uint32_t number) {
  return number < std::size(ggml_types) ? ggml_types[number] : "number " + std::to_string(number);
}

std::string_view read_string(ByteReader& reader, const char* what) {
  return reader.take_text(reader.read<std::uint64_t>(what), what);
}

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t index = 0) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

// One number of any fixed type as T; nothing where it is no whole number (of a T that is) or does not fit.
template <typename T>
std::optional<T> load_as(Type type, std::span<const std::byte> bytes, std::size_t index) {
  const auto convert = [](auto value) -> std::optional<T> {
    if constexpr (std::is_integral_v<T>) {
      if constexpr (std::is_integral_v<decltype(value)>) {
        if (std::in_range<T>(value)) return static_cast<T>(value);
      }
      return {};
    } else {
      return static_cast<T>(value);
    }
  };
  switch (type) {
    case Type::U8:
      return convert(load<std::uint8_t>(bytes, index));
    case Type::I8:
      return convert(load<std::int8_t>(bytes, index));
    case Type::U16:
      return convert(load<std::uint16_t>(bytes, index));
    case Type::I16:
      return convert(load<std::int16_t>(bytes, index));
    case Type::U32:
      return convert(load<std::uint32_t>(bytes, index));
    case Type::I32:
      return convert(load<std::int32_t>(bytes, index));
    case Type::U64:
      return convert(load<std::uint64_t>(bytes, index));
    case Type::I64:
      return convert(load<std::int64_t>(bytes, index));
    case Type::F32:
      return convert(load<float>(bytes, index));
    case Type::F64:
      return convert(load<double>(bytes, index));
    default:
      return {};
  }
}

template <typename T>
std::optional<std::vector<T>> load_array(Type type, std::uint64_t count, std::span<const std::byte> bytes) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(count));  // count was held against the file's size
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = load_as<T>(type, bytes, i);
    if (!value) return {};
    values.push_back(*value);
  }
  return values;
}

}  // namespace

// ---------------------------------------------------------------------------------------------- GgufMetadata

std::vector<std::string_view> GgufMetadata::keys() const {
  std::vector<std::string_view> names;
  for (const auto& [key, value] : values_) names.push_back(key);
  return names;
}

void GgufMetadata::wrong_type(std::string_view key, const Value& value, const char* expected) const {
  throw Error("the key " + in_quotes(key) + " of " + file_ + " is " + (value.count ? "an array of " : "a ") +
              type_name(value.type) + (value.count ? " (" + std::to_string(*value.count) + " of them)" : "") +
              ", expected " + expected);
}

const GgufMetadata::Value* GgufMetadata::find(std::string_view key, bool array) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return nullptr;
  if (found->second.count.has_value() != array)
    wrong_type(key, found->second, array ? "an array" : "one value");
  return &found->second;
}

bool GgufMetadata::is_array(std::string_view key) const {
  const auto found = values_.find(key);
  return found != values_.end() && found->second.count.has_value();
}

std::optional<std::string_view> GgufMetadata::string(std::string_view key) const {
  const Value* value = find(key, false);
  if (!value) return {};
  if (value->type != Type::String) wrong_type(key, *value, "a string");
  ByteReader reader(value->bytes, file_);
  return read_string(reader, "a string");
}

std::optional<std::int64_t> GgufMetadata::integer(std::string_view key) const {
  const Value* value = find(key, false);
  if (!value) return {};
  const auto number = load_as<std::int64_t>(value->type, value->bytes, 0);
  if (!number) wrong_type(key, *value, "a whole number below 2^63");
  return number;
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
  const Value* value = find(key, false);
  if (!value) return {};
  const auto number = load_as<double>(value->type, value->bytes, 0);
  if (!number) wrong_type(key, *value, "a number");
  return number;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
  const Value* value = find(key, false);
  if (!value) return {};
  if (value->type != Type::Bool) wrong_type(key, *value, "a bool");
  return value->bytes[0] != std::byte{0};
}

std::optional<std::vector<std::string_view>> GgufMetadata::strings(std::string_view key) const {
  const Value* value = find(key, true);
  if (!value) return {};
  if (value->type != Type::String) wrong_type(key, *value, "an array of strings");
  std::vector<std::string_view> texts;
  texts.reserve(static_cast<std::size_t>(*value->count));
  ByteReader reader(value->bytes, file_);
  for (std::uint64_t i = 0; i < *value->count; ++i) texts.push_back(read_string(reader, "a string"));
  return texts;
}

std::optional<std::vector<std::int64_t>> GgufMetadata::integers(std::string_view key) const {
  const Value* value = find(key, true);
  if (!value) return {};
  auto numbers = load_array<std::int64_t>(value->type, *value->count, value->bytes);
  if (!numbers) wrong_type(key, *value, "an array of whole numbers below 2^63");
  return numbers;
}

std::optional<std::vector<bool>> GgufMetadata::flags(std::string_view key) const {
  const Value* value = find(key, true);
  if (!value) return {};
  const Type type = value->type == Type::Bool ? Type::U8 : value->type;  // a byte each
  const auto numbers = load_array<std::int64_t>(type, *value->count, value->bytes);
  if (!numbers) wrong_type(key, *value, "an array of bools");
  return std::vector<bool>(numbers->begin(), numbers->end());
}

std::optional<std::vector<double>> GgufMetadata::numbers(std::string_view key) const {
  const Value* value = find(key, true);
  if (!value) return {};
  auto numbers = load_array<double>(value->type, *value->count, value->bytes);
  if (!numbers) wrong_type(key, *value, "an array of numbers");
  return numbers;
}

// ---------------------------------------------------------------------------------------------------- parser

struct GgufParser {
  // What a map adds to what it holds, or a tensor's sizes to the tensor.
  static constexpr std::uint64_t bytes_a_node = 80;

  std::span<const std::byte> file;
  std::string where;
  Budget& budget;
  ByteReader reader{file, where};
  GgufDirectory directory{};

  // Things of at least `least` bytes each cannot be more than the rest of the file holds.
  void check_count(std::uint64_t count, std::uint64_t least, const std::string& what) const {
    if (count > reader.remaining() / least) {
      throw Error(where + " says it has " + std::to_string(count) + " " + what +
                  ", more than its remaining " + std::to_string(reader.remaining()) +
                  " bytes can hold: it is truncated or damaged");
    }
  }

  std::string read_name(const char* what) {
    const std::string_view name = read_string(reader, what);
    if (name.empty()) throw Error(where + " has an empty string for " + what);
    return std::string(name);
  }

  Type read_type(const std::string& key) {
    const auto number = reader.read<std::uint32_t>("the type of a key");
    if (number >= num_types) {
      throw Error("the key " + in_quotes(key) + " of " + where + " has the unknown type " +
                  std::to_string(number) + ", expected 0 to " + std::to_string(num_types - 1));
    }
    return static_cast<Type>(number);
  }

  void read_payload(Type type, std::uint64_t count, const std::string& key, int depth = 0) {
    constexpr int deepest = 16;
    if (depth > deepest)
      throw Error("the key " + in_quotes(key) + " of " + where + " nests arrays deeper than " +
                  std::to_string(deepest) + " levels");
    if (type == Type::Array) {  // of no use here, but no reason to refuse the file
      check_count(count, 4 + 8, "arrays under " + in_quotes(key));
      for (std::uint64_t i = 0; i < count; ++i) {
        budget.step();
        const Type inner = read_type(key);
        read_payload(inner, reader.read<std::uint64_t>("the length of an array"), key, depth + 1);
      }
    } else if (type == Type::String) {
      check_count(count, 8, "strings under " + in_quotes(key));
      budget.charge(count * sizeof(std::string_view));  // what strings() holds of them
      for (std::uint64_t i = 0; i < count; ++i) {
        budget.step();
        read_string(reader, "a string among the keys");
      }
    } else {
      check_count(count, size_of(type), "numbers under " + in_quotes(key));
      reader.take(count * size_of(type), "the value of a key");
    }
  }

  void read_key() {
    const std::string key = read_name("a key");
    budget.step();
    budget.charge(bytes_a_node + sizeof(GgufMetadata::Value) + key.size());
    GgufMetadata::Value value{read_type(key), {}, {}};
    if (value.type == Type::Array) {
      value.type = read_type(key);
      value.count = reader.read<std::uint64_t>("the length of an array");
    }
    const std::size_t start = reader.position();
    read_payload(value.type, value.count.value_or(1), key);
    value.bytes = file.subspan(start, reader.position() - start);
    if (!directory.metadata.values_.emplace(key, value).second) {
      throw Error(where + " has the key " + in_quotes(key) + " twice");
    }
  }

  // Sizes, type and place of one tensor; `offsets` gets its place within the data.
  void read_tensor(std::vector<std::uint64_t>& offsets) {
    GgufTensor tensor;
    tensor.name = read_name("the name of a tensor");
    budget.step();
    budget.charge(bytes_a_node + sizeof(GgufTensor) + tensor.name.size());
    const std::string what = "tensor " + in_quotes(tensor.name) + " of " + where;
    const auto num_dims = reader.read<std::uint32_t>("a tensor's number of dimensions");
    if (num_dims > 4)
      throw Error(what + " has " + std::to_string(num_dims) + " dimensions, expected at most 4");
    for (std::uint32_t i = 0; i < num_dims; ++i) {
      tensor.shape.insert(tensor.shape.begin(),
                          std::bit_cast<std::int64_t>(reader.read<std::uint64_t>("a tensor's size")));
    }
    tensor.type_name = ggml_type_name(reader.read<std::uint32_t>("a tensor's type"));
    tensor.type = element_type_of(tensor.type_name);
    offsets.push_back(reader.read<std::uint64_t>("a tensor's place"));
    directory.tensors.push_back(std::move(tensor));
  }

  std::uint64_t stored_bytes(const GgufTensor& tensor) const {
    const std::string what = "tensor " + in_quotes(tensor.name) + " of " + where;
    const BlockLayout block = block_layout(*tensor.type);
    std::int64_t count = 0, bytes = 0;
    if (!element_count(tensor.shape, count) ||
        __builtin_mul_overflow(count / block.elements, block.bytes, &bytes)) {
      throw Error(what + " has the absurd shape " + shape_text(tensor.shape));
    }
    const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % block.elements != 0) {
      throw Error(what + " has rows of " + std::to_string(row) + " numbers, expected a multiple of " +
                  std::to_string(block.elements) + " for the type " + tensor.type_name);
    }
    return static_cast<std::uint64_t>(bytes);
  }

  std::uint64_t alignment() const {
    const std::int64_t alignment = directory.metadata.integer("general.alignment").value_or(32);
    if (alignment < 1 || alignment > UINT32_MAX ||
        !std::has_single_bit(static_cast<std::uint64_t>(alignment))) {
      throw Error("general.alignment of " + where + " is " + std::to_string(alignment) +
                  ", expected a power of two");
    }
    return static_cast<std::uint64_t>(alignment);
  }

  void place_tensors(const std::vector<std::uint64_t>& offsets) {
    const std::uint64_t align = alignment();
    const std::uint64_t start = (reader.position() + align - 1) / align * align;
    const auto data = file.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(start, file.size())));
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      GgufTensor& tensor = directory.tensors[i];
      if (!tensor.type) continue;
      const std::uint64_t bytes = stored_bytes(tensor);
      if (offsets[i] % align != 0) {
        throw Error("tensor " + in_quotes(tensor.name) + " of " + where + " starts at byte " +
                    std::to_string(offsets[i]) + " of the data, expected a multiple of " +
                    std::to_string(align));
      }
      if (offsets[i] > data.size() || bytes > data.size() - offsets[i]) {
        throw Error("tensor " + in_quotes(tensor.name) + " of " + where + " has " + std::to_string(bytes) +
                    " bytes from byte " + std::to_string(offsets[i]) + " of the data, which has only " +
                    std::to_string(data.size()) + ": the file is truncated; download or copy it again");
      }
      tensor.bytes = data.subspan(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(bytes));
    }
  }

  void check_names_and_overlaps() const {
    std::vector<const GgufTensor*> order;
    std::set<std::string_view> names;
    for (const GgufTensor& tensor : directory.tensors) {
      if (!names.insert(tensor.name).second)
        throw Error(where + " has the tensor " + in_quotes(tensor.name) + " twice");
      if (!tensor.bytes.empty()) order.push_back(&tensor);
    }
    std::sort(order.begin(), order.end(),
              [](const auto* a, const auto* b) { return a->bytes.data() < b->bytes.data(); });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->bytes.data() + order[i - 1]->bytes.size() > order[i]->bytes.data()) {
        throw Error("tensors " + in_quotes(order[i - 1]->name) + " and " + in_quotes(order[i]->name) +
                    " of " + where + " overlap at byte " +
                    std::to_string(order[i]->bytes.data() - file.data()));
      }
    }
  }

  GgufDirectory parse() {
    directory.metadata.file_ = where;
    if (reader.take_text(4, "the magic 'GGUF'") != "GGUF") throw Error(where + " does not start with 'GGUF'");
    const auto version = reader.read<std::uint32_t>("the version");
    if (version != 2 && version != 3) {
      const bool swapped = version != 0 && (version & 0xffff) == 0;
      throw Error(where + (swapped ? " is a big-endian GGUF file, expected little-endian"
                                   : " is of GGUF version " + std::to_string(version) + ", expected 2 or 3"));
    }
    const auto num_tensors = reader.read<std::uint64_t>("the number of tensors");
    const auto num_keys = reader.read<std::uint64_t>("the number of keys");
    check_count(num_keys, 8 + 1 + 4 + 1, "keys");
    for (std::uint64_t i = 0; i < num_keys; ++i) read_key();
    check_count(num_tensors, 8 + 1 + 4 + 4 + 8, "tensors");
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i < num_tensors; ++i) read_tensor(offsets);
    place_tensors(offsets);
    check_names_and_overlaps();
    return std::move(directory);
  }
};

GgufDirectory parse_gguf(std::span<const std::byte> file, const std::string& where, Budget& budget) {
  return GgufParser{file, where, budget}.parse();
}

}  // namespace qkscope
