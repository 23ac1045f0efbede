#include "core/tasks/identity.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <vector>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/language_model.h"

namespace qkscope {

namespace {

namespace fs = std::filesystem;

/// Those that say what the model computes and how it reads text.
bool is_part(const fs::path& file) {
  static const std::set<std::string> endings = {".gguf", ".safetensors", ".bin",   ".pt",  ".pth",
                                                ".json", ".model",       ".jinja", ".txt", ".tiktoken"};
  return endings.contains(file.extension().string());
}

/// The files of a folder, or those of one GGUF file that may be split into several, by name.
std::vector<fs::path> files_of(const fs::path& checkpoint) {
  std::error_code problem;
  if (!fs::is_directory(checkpoint, problem)) {
    const std::string name = checkpoint.filename().string();
    const auto of = name.rfind("-of-");
    if (of == name.npos || of < 6) return {checkpoint};
    std::vector<fs::path> parts;
    for (const auto& entry :
         fs::directory_iterator(checkpoint.parent_path().empty() ? "." : checkpoint.parent_path())) {
      const std::string other = entry.path().filename().string();
      if (other.size() == name.size() && other.starts_with(name.substr(0, of - 5)) &&
          other.ends_with(name.substr(of)))
        parts.push_back(entry.path());
    }
    std::ranges::sort(parts);
    return parts;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    if (is_part(entry.path()) && fs::is_regular_file(entry.path(), problem)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void add_file(Hash& hash, const fs::path& path) {
  constexpr std::uint64_t blocks = 64, block_bytes = 1 << 16;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error("Cannot open " + in_quotes(path.string()) + "; give a model whose files can be read");
  const std::uint64_t size = fs::file_size(path);
  hash.add(std::to_string(size) + ":");
  std::vector<char> block(block_bytes);
  const bool whole = size <= blocks * block_bytes;
  const std::uint64_t count = whole ? (size + block_bytes - 1) / block_bytes : blocks;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = whole ? i * block_bytes : (size - block_bytes) * i / (blocks - 1);
    const std::uint64_t bytes = std::min(block_bytes, size - at);
    file.seekg(static_cast<std::streamoff>(at));
    file.read(block.data(), static_cast<std::streamsize>(bytes));
    if (!file) throw Error("Cannot read " + in_quotes(path.string()) + " to its end; fetch it again");
    hash.add({block.data(), bytes});
  }
}

}  // namespace

Hash& Hash::add(std::string_view bytes) {
  constexpr Bits prime = (Bits{1} << 88) | 0x13b;
  for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * prime;
  return *this;
}

std::string Hash::text() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 124; shift >= 0; shift -= 4)
    text += digits[static_cast<std::size_t>((state_ >> static_cast<unsigned>(shift)) & 15)];
  return text;
}

std::string model_identity(const fs::path& checkpoint) {
  Hash hash;
  for (const fs::path& file : files_of(checkpoint)) add_file(hash, file);
  return hash.text();
}

std::string computed_by(const ModelCard& card) {
  return model_identity(card.path) + " " + card.device + " " + card.dtype + " " + card.weights;
}

std::string files_stamp(const fs::path& checkpoint) {
  Hash hash;
  try {
    const fs::path whole = fs::canonical(checkpoint);
    hash.add(whole.string());
    for (const fs::path& file : files_of(whole)) {
      const auto changed = fs::last_write_time(file).time_since_epoch().count();
      hash.add('\n' + file.string() + ' ' + std::to_string(fs::file_size(file)) + ' ' +
               std::to_string(changed));
    }
  } catch (const fs::filesystem_error&) {  // gone, or not to be looked at: loading it says so
  }
  return hash.text();
}

}  // namespace qkscope
