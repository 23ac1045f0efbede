#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "core/array.h"

namespace qkscope {

class Budget;

/// The tensors of a .pt file that torch.save wrote (PyTorch 1.6 or newer), as float32 on the host whatever
/// their dtype (half, bfloat16, float, double, integers, bool), device and strides. Names are the way to a
/// tensor inside the saved object ("model.weight", "0"), empty for a tensor saved by itself. Nothing in the
/// file is ever executed: see Pickle. Throws Error naming file and tensor, or the Python object the file asks
/// for.
std::map<std::string, Array> read_torch_archive(const std::filesystem::path& path);

/// The same from the bytes of a file; errors start with `where`. What is held beside the numbers is charged
/// to `budget`.
std::map<std::string, Array> read_torch_archive(std::span<const std::byte> file, const std::string& where,
                                                Budget& budget);

}  // namespace qkscope
