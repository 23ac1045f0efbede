#include "core/checkpoint/checkpoint.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint_formats.h"

namespace qkscope {

bool begins_like_gguf(const std::filesystem::path& path) {
  std::error_code problem;
  char magic[4] = {};
  return std::filesystem::is_regular_file(path, problem) &&
         std::ifstream(path, std::ios::binary).read(magic, sizeof magic) &&
         std::string_view(magic, sizeof magic) == "GGUF";
}

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  Budget budget(in_quotes(path.string()));
  return open(path, budget);
}

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& path, Budget& budget) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    throw Error("there is no " + in_quotes(path.string()) +
                "; expected a folder with config.json and weights, or a .gguf file");
  }
  if (std::filesystem::is_directory(status)) return open_folder(path, budget);
  const auto extension = path.extension();
  // Ollama's files have no ending.
  if (extension == ".gguf" || begins_like_gguf(path)) return open_gguf(path, budget);
  // A bare file name has no parent path; its folder is the current one.
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (extension == ".safetensors" || extension == ".bin") return open_folder(folder, budget, path);
  if (path.filename() == "config.json" || path.filename().string().ends_with(".index.json"))
    return open_folder(folder, budget);
  throw Error(in_quotes(path.string()) +
              " is no checkpoint; expected a folder with config.json, a .gguf file, or a .safetensors or "
              ".bin file beside a config.json");
}

const TensorEntry* Checkpoint::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorEntry& entry, std::string_view n) { return entry.name < n; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

const TensorEntry* Checkpoint::optional(std::string_view name, std::span<const std::int64_t> shape) const {
  const TensorEntry* entry = find(name);
  if (!entry) {
    if (const auto found = unreadable_.find(name); found != unreadable_.end()) {
      throw Error("tensor " + in_quotes(name) + " of " + in_quotes(path_.string()) + " " + found->second);
    }
    return nullptr;
  }
  if (!std::equal(shape.begin(), shape.end(), entry->shape.begin(), entry->shape.end())) {
    throw Error("tensor " + in_quotes(name) + " of " + in_quotes(path_.string()) + " has the shape " +
                shape_text(entry->shape) + ", expected " + shape_text(shape) + " from the configuration");
  }
  return entry;
}

const TensorEntry& Checkpoint::require(std::string_view name, std::span<const std::int64_t> shape) const {
  if (const TensorEntry* entry = optional(name, shape)) return *entry;
  if (const auto found = missing_.find(name); found != missing_.end()) {
    throw Error("tensor " + in_quotes(name) + " of " + in_quotes(path_.string()) + " " + found->second);
  }
  throw Error(in_quotes(path_.string()) + " has no tensor " + in_quotes(name) + ", expected one of shape " +
              shape_text(shape));
}

std::uint64_t Checkpoint::total_bytes() const {
  std::set<std::pair<const std::byte*, std::size_t>> stored;  // tied tensors may be one in the file
  for (const TensorEntry& entry : tensors_) stored.emplace(entry.bytes.data(), entry.bytes.size());
  std::uint64_t total = 0;
  for (const auto& [start, size] : stored) total += size;
  for (const TensorEntry& entry : tensors_) total += entry.scales.size();
  return total;
}

}  // namespace qkscope
