#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/base/array.h"

namespace qkscope {

class Budget;

/// A tensor of a file of activations.
struct DumpTensor {
  Array array;
  std::string stored;  // how its numbers lie in the file: "float16", "F32"; empty where that is not told
};

/// Whether `path` is named like a file of activations (.npy, .npz, .pt, .pth, .safetensors) and not the
/// weights of a checkpoint: no config.json lies beside it.
bool is_dump_file(const std::filesystem::path& path);

/// The tensors of a file that numpy, PyTorch or safetensors wrote, by name; one without a name by the file's.
/// Which of them it was is seen in its bytes, whatever its name ends in. Throws Error naming the file.
std::map<std::string, DumpTensor> read_dump_file(const std::filesystem::path& path, Budget& budget);

}  // namespace qkscope
