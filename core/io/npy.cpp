#include "core/io/npy.h"

#include <algorithm>
#include <cstring>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/byte_reader.h"
#include "core/io/dequantize.h"
#include "core/io/npy_header.h"
#include "core/io/zip_archive.h"

namespace qkscope {
namespace {

/// `count` numbers of type T, as float32.
using Convert = void (*)(const std::byte* bytes, std::size_t count, bool swapped, float* out);

template <typename T, auto to_float = [](T value) { return static_cast<float>(value); }>
void convert(const std::byte* bytes, std::size_t count, bool swapped, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, bytes + i * sizeof(T), sizeof(T));
    if (swapped) std::reverse(raw, raw + sizeof(T));
    T value;
    std::memcpy(&value, raw, sizeof(T));
    out[i] = to_float(value);
  }
}

struct NpyType {
  std::string_view code;  // numpy's typestring without its byte order
  std::string_view name;
  std::size_t bytes;
  Convert convert;
};
constexpr NpyType npy_types[] = {
    {"f2", "float16", 2, convert<std::uint16_t, half_to_float>},
    {"f4", "float32", 4, convert<float>},
    {"f8", "float64", 8, convert<double>},
    {"V2", "2-byte records (read as bfloat16)", 2, convert<std::uint16_t, bfloat16_to_float>},
    {"u2", "uint16 (read as bfloat16)", 2, convert<std::uint16_t, bfloat16_to_float>},
    {"b1", "bool", 1, convert<std::uint8_t>},
    {"i1", "int8", 1, convert<std::int8_t>},
    {"i2", "int16", 2, convert<std::int16_t>},
    {"i4", "int32", 4, convert<std::int32_t>},
    {"i8", "int64", 8, convert<std::int64_t>},
    {"u1", "uint8", 1, convert<std::uint8_t>},
    {"u4", "uint32", 4, convert<std::uint32_t>},
    {"u8", "uint64", 8, convert<std::uint64_t>},
};

const NpyType& type_of(const std::string& descr, const std::string& where) {
  const std::string_view code = std::string_view(descr).substr(std::min<std::size_t>(1, descr.size()));
  if (code == "O") {
    throw Error(where + " holds Python objects (dtype " + in_quotes(descr) +
                "), which only running its pickle code could read: that is never done; save it as plain "
                "numbers, with .astype(\"float32\")");
  }
  const auto* type = std::find_if(std::begin(npy_types), std::end(npy_types),
                                  [&](const NpyType& known) { return known.code == code; });
  if (type == std::end(npy_types) || std::string_view("<>|=").find(descr.front()) == std::string_view::npos) {
    throw Error(where + " holds numbers of dtype " + in_quotes(descr) +
                ", expected bool, integers or floats of up to 64 bits; save it with .astype(\"float32\")");
  }
  return *type;
}

/// Fortran's order, in which the first axis runs fastest, to row-major.
std::vector<float> to_row_major(const std::vector<float>& fortran, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> index(shape.size(), 0), strides(shape.size(), 1);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) strides[axis] = strides[axis - 1] * shape[axis - 1];
  std::vector<float> rows;
  rows.reserve(fortran.size());
  std::int64_t place = 0;
  while (rows.size() < fortran.size()) {
    rows.push_back(fortran[static_cast<std::size_t>(place)]);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return rows;
}

}  // namespace

NpyArray read_npy(std::span<const std::byte> file, const std::string& where, Budget& budget) {
  ByteReader reader(file, where);
  if (reader.take_text(std::min<std::uint64_t>(6, reader.remaining()), "the magic word") != "\x93NUMPY")
    throw Error(where + " does not begin like a .npy file of numpy's");
  const auto version = reader.read<std::uint8_t>("the version");
  reader.read<std::uint8_t>("the version");
  if (version < 1 || version > 3) {
    throw Error(where + " has version " + std::to_string(version) +
                " of the .npy format, expected 1, 2 or 3; save it again with numpy.save");
  }
  const std::uint64_t length = version == 1 ? reader.read<std::uint16_t>("the header's length")
                                            : reader.read<std::uint32_t>("the header's length");
  constexpr std::uint64_t longest_header = 1 << 16;
  if (length > longest_header) {
    throw Error(where + " says its header has " + std::to_string(length) + " bytes, expected at most " +
                std::to_string(longest_header) + ": it is no .npy file, or damaged");
  }
  const NpyHeader header = parse_npy_header(reader.take_text(length, "the header"), where);
  const NpyType& type = type_of(header.descr, where);
  std::int64_t count = 0;
  if (!element_count(header.shape, count)) {
    throw Error(where + " has the absurd shape " + shape_text(header.shape));
  }
  const auto numbers = static_cast<std::uint64_t>(count);
  if (numbers > reader.remaining() / type.bytes) {
    throw Error(where + " is truncated or damaged: " + shape_text(header.shape) + " numbers of " +
                std::to_string(type.bytes) + " bytes do not fit in the " +
                std::to_string(reader.remaining()) + " bytes after its header; copy the file again");
  }
  const auto data = reader.take(numbers * type.bytes, "the numbers");
  if (reader.remaining() > 0) {
    throw Error(where + " has " + std::to_string(reader.remaining()) + " bytes after its array of shape " +
                shape_text(header.shape) + ", expected one array in a file");
  }

  const bool turned = header.fortran_order && header.shape.size() > 1;
  budget.charge(numbers * sizeof(float));
  const Charge twice(budget, turned ? numbers * sizeof(float) : 0);
  NpyArray result{{header.shape, std::vector<float>(static_cast<std::size_t>(count))},
                  std::string(type.name)};
  type.convert(data.data(), data.size() / type.bytes, header.descr.front() == '>', result.array.data.data());
  if (turned) result.array.data = to_row_major(result.array.data, header.shape);
  return result;
}

std::map<std::string, NpyArray> read_npz(std::span<const std::byte> file, const std::string& where,
                                         Budget& budget) {
  std::map<std::string, NpyArray> arrays;
  for (const auto& [path, member] : read_zip(file, where, budget)) {
    if (!path.ends_with(".npy")) {
      throw Error(where + " has the file " + in_quotes(path) +
                  " inside, expected .npy files alone, as numpy.savez writes them");
    }
    const std::string name = path.substr(0, path.size() - 4);
    const std::string what = "array " + in_quotes(name) + " of " + where;
    if (!member.deflated) {
      arrays.emplace(name, read_npy(member.stored, what, budget));
      continue;
    }
    const std::vector<std::byte> bytes = inflate(member, what, budget);
    arrays.emplace(name, read_npy(bytes, what, budget));
    budget.refund(bytes.size());
  }
  return arrays;
}

}  // namespace qkscope
