#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace qkscope {

/// A model may be split into files "name-00001-of-00003.gguf", as llama-gguf-split of llama.cpp does it. The
/// first has the metadata; each has some of the tensors, and says under split.no and split.count which it is.
/// "-00002-of-00003.gguf" for part 2 of 3.
std::string gguf_part_ending(std::int64_t number, std::int64_t count);

/// All parts, there or not, of the model that `path` is a part of by its name; `path` alone for another name.
std::vector<std::filesystem::path> gguf_parts(const std::filesystem::path& path);
/// "name" of "name-00001-of-00003.gguf" and of "name.gguf".
std::string gguf_stem(const std::filesystem::path& path);
/// Names of the parts that are not there.
std::vector<std::string> missing_gguf_parts(const std::filesystem::path& path);

}  // namespace qkscope
