#pragma once
#include "core/checkpoint/checkpoint.h"

namespace qkscope {

/// The two formats behind Checkpoint::open. Both throw Error as it does.
std::shared_ptr<const Checkpoint> open_gguf(const std::filesystem::path& file, Budget& budget);
/// `single_file` is the one .safetensors file to read; empty = what the folder says: model.safetensors or the
/// shards of model.safetensors.index.json.
std::shared_ptr<const Checkpoint> open_folder(const std::filesystem::path& folder, Budget& budget,
                                              const std::filesystem::path& single_file = {});
/// Names of the files that the index of a folder's weights speaks of and that are not there. Throws Error for
/// a damaged index.
std::vector<std::string> missing_shards(const std::filesystem::path& folder, Budget& budget);

}  // namespace qkscope
