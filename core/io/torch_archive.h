#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/array.h"
#include "core/io/tensor_entry.h"

namespace qkscope {

class Budget;

/// One tensor of an archive, its numbers in place. Element (i, j, ...) is number i * strides[0] + j *
/// strides[1] + ... of `bytes`, which end with the last one. Tensors may share their numbers.
struct TorchTensor {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<std::int64_t> shape, strides;  // one stride an axis, none negative
  std::span<const std::byte> bytes;
};

/// Finds the tensors of a file that torch.save wrote (PyTorch 1.6 or newer), of which `file` is every byte,
/// sorted by name. Names are the way to a tensor inside the saved object ("model.weight", "0"), empty for a
/// tensor saved by itself. Nothing in the file is ever executed: see Pickle. Throws Error starting with
/// `where` or naming the tensor, or the Python object the file asks for; older formats by name.
std::vector<TorchTensor> parse_torch_archive(std::span<const std::byte> file, const std::string& where,
                                             Budget& budget);

/// The same tensors as float32 on the host whatever their dtype (half, bfloat16, float, double, integers,
/// bool), device and strides.
std::map<std::string, Array> read_torch_archive(const std::filesystem::path& path);

std::map<std::string, Array> read_torch_archive(std::span<const std::byte> file, const std::string& where,
                                                Budget& budget);

}  // namespace qkscope
