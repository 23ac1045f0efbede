#include "core/model/torch_archive.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/budget.h"
#include "core/error.h"
#include "core/model/dequantize.h"
#include "core/model/mapped_file.h"
#include "core/model/pickle.h"
#include "core/model/wording.h"
#include "core/model/zip_archive.h"

namespace qkscope {
namespace {

using Files = std::map<std::string, std::span<const std::byte>>;

// `count` numbers from `bytes` on, as float32.
using Convert = void (*)(const std::byte* bytes, std::int64_t count, float* out);

template <ElementType Type>
void convert_float(const std::byte* bytes, std::int64_t count, float* out) {
  dequantize(Type, bytes, count, out);
}
template <typename T>
void convert_integer(const std::byte* bytes, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

struct StorageType {
  std::string_view name;
  std::int64_t bytes;
  Convert convert;
};
constexpr StorageType storage_types[] = {{"HalfStorage", 2, convert_float<ElementType::F16>},
                                         {"BFloat16Storage", 2, convert_float<ElementType::BF16>},
                                         {"FloatStorage", 4, convert_float<ElementType::F32>},
                                         {"DoubleStorage", 8, convert_float<ElementType::F64>},
                                         {"LongStorage", 8, convert_integer<std::int64_t>},
                                         {"IntStorage", 4, convert_integer<std::int32_t>},
                                         {"ShortStorage", 2, convert_integer<std::int16_t>},
                                         {"CharStorage", 1, convert_integer<std::int8_t>},
                                         {"ByteStorage", 1, convert_integer<std::uint8_t>},
                                         {"BoolStorage", 1, convert_integer<std::uint8_t>}};

// Copies a strided tensor row by row into row-major order.
class Gather {
 public:
  Gather(const PickledTensor& tensor, const StorageType& type, const std::byte* storage, float* out)
      : tensor_(tensor), type_(type), storage_(storage), out_(out) {}

  void run(std::size_t axis, std::int64_t offset) {
    if (axis == tensor_.shape.size()) {
      take(offset, 1);
    } else if (axis + 1 == tensor_.shape.size() && tensor_.strides[axis] == 1) {
      take(offset, tensor_.shape[axis]);
    } else {
      for (std::int64_t i = 0; i < tensor_.shape[axis]; ++i)
        run(axis + 1, offset + i * tensor_.strides[axis]);
    }
  }

 private:
  void take(std::int64_t offset, std::int64_t count) {
    type_.convert(storage_ + offset * type_.bytes, count, out_);
    out_ += count;
  }

  const PickledTensor& tensor_;
  const StorageType& type_;
  const std::byte* storage_;
  float* out_;
};

// Highest element the tensor touches, from its storage's start; false where the sum leaves int64.
bool last_element(const PickledTensor& tensor, std::int64_t& last) {
  last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return true;
}

Array read_tensor(const PickledTensor& tensor, const Files& files, const std::string& prefix,
                  const std::string& what) {
  const auto* type = std::find_if(std::begin(storage_types), std::end(storage_types),
                                  [&](const StorageType& t) { return t.name == tensor.storage.type; });
  if (type == std::end(storage_types)) {
    throw Error(what + " is stored in a " + in_quotes(tensor.storage.type) + ", which is not supported");
  }
  const auto file = files.find(prefix + "data/" + std::string(tensor.storage.key));
  if (file == files.end()) {
    throw Error(what + " needs the storage " + in_quotes(tensor.storage.key) +
                ", which the file does not have");
  }
  const auto stored = static_cast<std::int64_t>(file->second.size()) / type->bytes;
  if (tensor.storage.numel < 0 || tensor.storage.numel > stored) {
    throw Error(what + " has a storage of " + std::to_string(tensor.storage.numel) +
                " numbers, the file has only " + std::to_string(stored) + " of them: it is damaged");
  }
  std::int64_t count = 0, last = 0;
  if (tensor.offset < 0 || tensor.strides.size() != tensor.shape.size() ||
      std::any_of(tensor.strides.begin(), tensor.strides.end(),
                  [](std::int64_t stride) { return stride < 0; }) ||
      !element_count(tensor.shape, count)) {
    throw Error(what + " has the absurd shape " + shape_text(tensor.shape) + " with strides " +
                shape_text(tensor.strides) + " from element " + std::to_string(tensor.offset));
  }
  Array array{tensor.shape, {}};
  if (count == 0) return array;
  if (!last_element(tensor, last) || last >= tensor.storage.numel) {
    throw Error(what + " of shape " + shape_text(tensor.shape) + " with strides " +
                shape_text(tensor.strides) + " reaches beyond its storage of " +
                std::to_string(tensor.storage.numel) + " numbers");
  }
  // Also what keeps a few bytes from asking for all the memory there is.
  if (count > tensor.storage.numel) {
    throw Error(what + " of shape " + shape_text(tensor.shape) +
                " repeats the numbers of a smaller storage; save it " + "with .contiguous()");
  }
  array.data.resize(static_cast<std::size_t>(count));
  Gather(tensor, *type, file->second.data(), array.data.data()).run(0, tensor.offset);
  return array;
}

}  // namespace

std::map<std::string, Array> read_torch_archive(std::span<const std::byte> file, const std::string& where,
                                                Budget& budget) {
  const Files files = read_stored_zip(file, where, budget);
  // Everything lies in one folder, named after the file or "archive".
  const auto pickle_file = std::find_if(files.begin(), files.end(), [](const auto& entry) {
    return entry.first == "data.pkl" || entry.first.ends_with("/data.pkl");
  });
  if (pickle_file == files.end())
    throw Error(where + " has no data.pkl inside: it was not written by torch.save");
  const std::string prefix =
      pickle_file->first.substr(0, pickle_file->first.size() - std::strlen("data.pkl"));
  if (const auto order = files.find(prefix + "byteorder"); order != files.end()) {
    const std::string_view text{reinterpret_cast<const char*>(order->second.data()), order->second.size()};
    if (text != "little")
      throw Error(where + " has the byte order " + in_quotes(text) + ", expected 'little'");
  }

  std::map<std::string, Array> arrays;
  const Pickle pickle(pickle_file->second, where, budget);
  std::uint64_t numbers = 0;
  for (const auto& [name, tensor] : pickle.tensors(budget)) {
    const std::string what = "tensor " + in_quotes(name) + " of " + where;
    Array array = read_tensor(tensor, files, prefix, what);
    // Two tensors may share a storage (tied weights); a thousand that do are a trick to fill the memory.
    numbers += array.data.size();
    if (numbers > 4 * std::uint64_t{file.size()})
      throw Error(where + " repeats its numbers under too many names");
    if (!arrays.emplace(name, std::move(array)).second) throw Error(what + " comes twice");
  }
  return arrays;
}

std::map<std::string, Array> read_torch_archive(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string where = in_quotes(path.string());
  Budget budget(where);
  return read_torch_archive(file.bytes(), where, budget);
}

}  // namespace qkscope
