#include "core/io/torch_archive.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/dequantize.h"
#include "core/io/mapped_file.h"
#include "core/io/pickle.h"
#include "core/io/zip_archive.h"

namespace qkscope {
namespace {

using Files = std::map<std::string, std::span<const std::byte>>;

struct StorageType {
  std::string_view name;
  ElementType type;
};
constexpr StorageType storage_types[] = {
    {"HalfStorage", ElementType::F16},  {"BFloat16Storage", ElementType::BF16},
    {"FloatStorage", ElementType::F32}, {"DoubleStorage", ElementType::F64},
    {"LongStorage", ElementType::I64},  {"IntStorage", ElementType::I32},
    {"ShortStorage", ElementType::I16}, {"CharStorage", ElementType::I8},
    {"ByteStorage", ElementType::U8},   {"BoolStorage", ElementType::U8}};

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

// Where the numbers lie, checked to be there.
TorchTensor locate(const PickledTensor& tensor, const std::string& name, const Files& files,
                   const std::string& prefix, const std::string& what) {
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
  const std::int64_t bytes = block_layout(type->type).bytes;
  const auto stored = static_cast<std::int64_t>(file->second.size()) / bytes;
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
  TorchTensor located{name, type->type, tensor.shape, tensor.strides, {}};
  if (count == 0) return located;
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
  located.bytes = file->second.subspan(static_cast<std::size_t>(tensor.offset * bytes),
                                       static_cast<std::size_t>((last - tensor.offset + 1) * bytes));
  return located;
}

// What older versions of PyTorch wrote, and what stands in for a file that was not downloaded.
void refuse_other_formats(std::span<const std::byte> file, const std::string& where) {
  const std::string_view text{reinterpret_cast<const char*>(file.data()), file.size()};
  constexpr std::string_view magic_number = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  const bool is_tar = text.size() > 262 && text.substr(257, 5) == "ustar";
  if (text.starts_with(magic_number) || is_tar) {
    throw Error(
        where + (is_tar ? " is a tar archive of PyTorch 0.1" : " is in the format of PyTorch before 1.6") +
        ", expected the zip archive of later versions; load and save it again with a newer PyTorch, or "
        "open the model's safetensors files");
  }
  if (text.starts_with("version https://git-lfs")) {
    throw Error(where + " is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'");
  }
}

}  // namespace

std::vector<TorchTensor> parse_torch_archive(std::span<const std::byte> file, const std::string& where,
                                             Budget& budget) {
  refuse_other_formats(file, where);
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

  std::vector<TorchTensor> tensors;
  const Pickle pickle(pickle_file->second, where, budget);
  for (const auto& [name, tensor] : pickle.tensors(budget)) {
    tensors.push_back(locate(tensor, name, files, prefix, "tensor " + in_quotes(name) + " of " + where));
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(tensors.begin(), tensors.end(),
                                        [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != tensors.end())
    throw Error("tensor " + in_quotes(twice->name) + " of " + where + " comes twice");
  return tensors;
}

std::map<std::string, Array> read_torch_archive(std::span<const std::byte> file, const std::string& where,
                                                Budget& budget) {
  std::map<std::string, Array> arrays;
  std::uint64_t numbers = 0;
  for (const TorchTensor& tensor : parse_torch_archive(file, where, budget)) {
    std::int64_t count = 0;
    element_count(tensor.shape, count);
    // Two tensors may share a storage (tied weights); a thousand that do are a trick to fill the memory.
    numbers += static_cast<std::uint64_t>(count);
    if (numbers > 4 * std::uint64_t{file.size()})
      throw Error(where + " repeats its numbers under too many names");
    Array array{tensor.shape, std::vector<float>(static_cast<std::size_t>(count))};
    if (count > 0)
      dequantize_strided(tensor.type, tensor.bytes.data(), tensor.shape, tensor.strides, array.data.data());
    arrays.emplace(tensor.name, std::move(array));
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
