#include "core/io/safetensors.h"

#include <algorithm>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/byte_reader.h"
#include "core/io/dequantize.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"

namespace qkscope {
namespace {

using nlohmann::json;

// The reference implementation refuses longer headers too.
constexpr std::uint64_t longest_header = 100'000'000;

struct Dtype {
  std::string_view name;
  int bits;
};
constexpr Dtype dtypes[] = {
    {"BOOL", 8},        {"U8", 8},   {"I8", 8},      {"U16", 16},    {"I16", 16},    {"F16", 16},
    {"BF16", 16},       {"U32", 32}, {"I32", 32},    {"F32", 32},    {"U64", 64},    {"I64", 64},
    {"F64", 64},        {"C64", 64}, {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}};

// Nothing for a dtype that came after these.
std::optional<std::int64_t> bits_of(std::string_view dtype) {
  const auto* found =
      std::find_if(std::begin(dtypes), std::end(dtypes), [&](const Dtype& d) { return d.name == dtype; });
  return found == std::end(dtypes) ? std::nullopt : std::optional<std::int64_t>(found->bits);
}

const json& field(const json& entry, const char* key, json::value_t type, const std::string& what) {
  const auto found = entry.find(key);
  if (found == entry.end()) throw Error(what + " has no '" + key + "' in the header");
  if (found->type() != type) {
    throw Error(what + " has a " + found->type_name() + " for '" + key + "' in the header, expected " +
                json(type).type_name());
  }
  return *found;
}

// A list of sizes or offsets: none negative, none beyond 2^63.
std::vector<std::int64_t> integers(const json& list, const char* key, const std::string& what) {
  std::vector<std::int64_t> values;
  for (const json& value : list) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT64_MAX) {
      throw Error(what + " has " + in_quotes(value.dump(-1, ' ', true, json::error_handler_t::replace)) +
                  " in '" + key + "', expected whole numbers from 0 to 2^63 - 1");
    }
    values.push_back(value.get<std::int64_t>());
  }
  return values;
}

SafetensorsTensor parse_entry(const std::string& name, const json& entry, std::span<const std::byte> data,
                              const std::string& where) {
  const std::string what = "tensor " + in_quotes(name) + " of " + where;
  if (!entry.is_object())
    throw Error(what + " is a " + entry.type_name() + " in the header, expected an object");
  SafetensorsTensor tensor{
      name, field(entry, "dtype", json::value_t::string, what).get<std::string>(), {}, {}};
  tensor.shape = integers(field(entry, "shape", json::value_t::array, what), "shape", what);
  const auto offsets =
      integers(field(entry, "data_offsets", json::value_t::array, what), "data_offsets", what);
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    throw Error(what + " has the data_offsets " + shape_text(offsets) +
                ", expected a begin and an end after it");
  }
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  if (end > data.size()) {
    throw Error(what + " ends at byte " + std::to_string(end) + " of the data, which has only " +
                std::to_string(data.size()) + " bytes: the file is truncated; download or copy it again");
  }
  const std::int64_t bytes = offsets[1] - offsets[0];
  const auto element_bits = bits_of(tensor.dtype);
  std::int64_t count = 0, bits = 0;
  if (!element_count(tensor.shape, count) || __builtin_mul_overflow(count, element_bits.value_or(1), &bits)) {
    throw Error(what + " has the absurd shape " + shape_text(tensor.shape));
  }
  if (element_bits && (bits % 8 != 0 || bits / 8 != bytes)) {
    throw Error(what + " occupies " + std::to_string(bytes) + " bytes, expected " + std::to_string(bits / 8) +
                " for shape " + shape_text(tensor.shape) + " of " + tensor.dtype);
  }
  tensor.bytes = data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(bytes));
  return tensor;
}

// The format knows neither overlaps nor holes: a file with one was not written by a sound program.
void check_tiling(const std::vector<SafetensorsTensor>& tensors, std::span<const std::byte> data,
                  const std::string& where) {
  std::vector<const SafetensorsTensor*> order;
  order.reserve(tensors.size());
  for (const SafetensorsTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) < std::pair(b->bytes.data(), b->bytes.size());
  });
  const std::byte* expected = data.data();
  const SafetensorsTensor* previous = nullptr;
  for (const SafetensorsTensor* tensor : order) {
    if (tensor->bytes.data() < expected) {
      throw Error("tensors " + in_quotes(previous->name) + " and " + in_quotes(tensor->name) + " of " +
                  where + " overlap at byte " + std::to_string(tensor->bytes.data() - data.data()) +
                  " of the data");
    }
    if (tensor->bytes.data() > expected) break;
    expected += tensor->bytes.size();
    previous = tensor;
  }
  if (expected != data.data() + data.size()) {
    throw Error(where + " has bytes that belong to no tensor, from byte " +
                std::to_string(expected - data.data()) + " of the data; it has " +
                std::to_string(data.size()));
  }
}

}  // namespace

std::optional<ElementType> float_type(std::string_view dtype) {
  for (const auto type : {ElementType::F32, ElementType::F16, ElementType::BF16, ElementType::F64}) {
    if (dtype == element_type_name(type)) return type;
  }
  return {};
}

SafetensorsDirectory parse_safetensors(std::span<const std::byte> file, const std::string& where,
                                       Budget& budget) {
  ByteReader reader(file, where);
  const auto length = reader.read<std::uint64_t>("the header's length");
  if (length > longest_header) {
    throw Error(where + " says its header has " + std::to_string(length) + " bytes, expected at most " +
                std::to_string(longest_header) + ": it is no safetensors file, or damaged");
  }
  const std::string_view text = reader.take_text(length, "the header");
  const auto data = file.subspan(reader.position());
  // JSON's parsers take a zero for the end; the format pads with spaces.
  if (const auto zero = text.find('\0'); zero != text.npos) {
    throw Error("the header of " + where + " has a zero byte at byte " + std::to_string(zero) +
                ", expected JSON padded with spaces: it was not written by a sound program; save it again "
                "with the safetensors library");
  }
  // An object of objects of lists of numbers: nothing nests deeper.
  const json header = parse_json(text, "the header of " + where, budget, 4);
  if (!header.is_object()) {
    throw Error("the header of " + where + " is a JSON " + header.type_name() + ", expected an object");
  }

  SafetensorsDirectory directory;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (entry.is_null()) continue;  // "none" to the reference reader
      if (!entry.is_object()) throw Error("__metadata__ of " + where + " is no object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string())
          throw Error("__metadata__ of " + where + " has no string for " + in_quotes(key));
        directory.metadata.emplace(key, value.get<std::string>());
      }
    } else {
      budget.charge(sizeof(SafetensorsTensor) + name.size());
      directory.tensors.push_back(parse_entry(name, entry, data, where));
    }
  }
  check_tiling(directory.tensors, data, where);
  std::sort(directory.tensors.begin(), directory.tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return directory;
}

ArrayFile read_safetensors(const std::filesystem::path& path) {
  Budget budget(in_quotes(path.string()));
  return read_safetensors(path, budget);
}

ArrayFile read_safetensors(const std::filesystem::path& path, Budget& budget) {
  const MappedFile file(path);
  return read_safetensors(file.bytes(), in_quotes(path.string()), budget);
}

ArrayFile read_safetensors(std::span<const std::byte> file, const std::string& where, Budget& budget) {
  const SafetensorsDirectory directory = parse_safetensors(file, where, budget);
  ArrayFile result;
  result.metadata = directory.metadata;
  for (const SafetensorsTensor& tensor : directory.tensors) {
    std::int64_t count = 0;
    element_count(tensor.shape, count);
    if (tensor.dtype == "I64") {
      std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
      std::copy(tensor.bytes.begin(), tensor.bytes.end(), std::as_writable_bytes(std::span(numbers)).begin());
      result.integers.emplace(tensor.name, std::move(numbers));
    } else if (const auto type = float_type(tensor.dtype)) {
      Array array{tensor.shape, std::vector<float>(static_cast<std::size_t>(count))};
      dequantize(*type, tensor.bytes.data(), count, array.data.data());
      result.arrays.emplace(tensor.name, std::move(array));
    } else {
      throw Error("tensor " + in_quotes(tensor.name) + " of " + where + " is stored as " + tensor.dtype +
                  ", expected F32, F16, BF16, F64 or I64");
    }
  }
  return result;
}

}  // namespace qkscope
