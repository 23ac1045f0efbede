#include "core/io/dump_file.h"

#include <algorithm>
#include <string_view>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/mapped_file.h"
#include "core/io/npy.h"
#include "core/io/safetensors.h"
#include "core/io/torch_archive.h"
#include "core/io/zip_archive.h"

namespace qkscope {
namespace {

using Tensors = std::map<std::string, DumpTensor>;

void add(Tensors& tensors, const std::map<std::string, Array>& arrays) {
  for (const auto& [name, array] : arrays) tensors.emplace(name, DumpTensor{array, {}});
}

/// A zip archive is torch.save's or numpy's.
bool is_npz(std::span<const std::byte> file, const std::string& where, Budget& budget) {
  const auto members = read_zip(file, where, budget);
  return !members.empty() &&
         std::ranges::all_of(members, [](const auto& member) { return member.first.ends_with(".npy"); });
}

}  // namespace

bool is_dump_file(const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension == ".npy" || extension == ".npz") return true;
  const auto is = [&](const char* known) { return extension == known; };
  std::error_code problem;
  return (is(".pt") || is(".pth") || is(".safetensors")) &&
         !std::filesystem::exists(path.parent_path() / "config.json", problem);
}

std::map<std::string, DumpTensor> read_dump_file(const std::filesystem::path& path, Budget& budget) {
  const std::string where = in_quotes(path.string());
  const MappedFile mapped(path);
  const auto file = mapped.bytes();
  const std::string_view text{reinterpret_cast<const char*>(file.data()), file.size()};
  Tensors tensors;
  if (text.starts_with("\x93NUMPY")) {
    NpyArray read = read_npy(file, where, budget);
    tensors.emplace("", DumpTensor{std::move(read.array), std::move(read.stored)});
  } else if (text.starts_with("PK\x03\x04") && is_npz(file, where, budget)) {
    for (auto& [name, read] : read_npz(file, where, budget))
      tensors.emplace(name, DumpTensor{std::move(read.array), std::move(read.stored)});
  } else if (path.extension() == ".safetensors") {
    add(tensors, read_safetensors(path, budget).arrays);
  } else if (path.extension() == ".npy" || path.extension() == ".npz") {
    throw Error(where + " is no file of numpy's, expected one that numpy.save or numpy.savez wrote");
  } else {
    add(tensors, read_torch_archive(file, where, budget));
  }
  if (tensors.empty()) throw Error(where + " holds no tensors");
  if (auto unnamed = tensors.extract(""); !unnamed.empty()) {
    unnamed.key() = path.stem().string();
    tensors.insert(std::move(unnamed));
  }
  return tensors;
}

}  // namespace qkscope
