#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/chat_template.h"
#include "core/io/tensor_entry.h"

namespace qkscope {

class Budget;
class GgufMetadata;

/// Whether `path` is a file that starts with GGUF's magic word, whatever its name ends in.
bool begins_like_gguf(const std::filesystem::path& path);

/// A model on disk: config.json's keys, tensor directory, memory-mapped numbers. Immutable, readable from any
/// thread, knows nothing of architectures. Two formats: a Hugging Face folder (config.json and weights as
/// safetensors or, where there are none, as PyTorch's pytorch_model.bin, either of them also in shards with
/// an index) and a GGUF file or all parts of one, whose metadata is presented as config.json keys and whose
/// tensor names as Hugging Face's.
class Checkpoint {
 public:
  /// `path` is a folder, a GGUF file, or a .safetensors or .bin file beside a config.json. Reads headers
  /// only. Throws Error naming file, tensor or key, what was found and what was expected.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path, Budget& budget);
  /// The same with a usual budget of its own.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path);
  virtual ~Checkpoint() = default;

  const std::filesystem::path& path() const { return path_; }
  /// "safetensors", "PyTorch" or "GGUF".
  const std::string& format() const { return format_; }
  /// config.json, or its equivalent made from GGUF metadata.
  const nlohmann::json& config() const { return config_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  /// Tensors whose numbers cannot be read, for their type: name -> the end of a sentence that says why. No
  /// reason to refuse a file whose other tensors are all a model needs.
  const std::map<std::string, std::string, std::less<>>& unreadable() const { return unreadable_; }
  /// Whether the file holds a tensor of this name, readable or not.
  bool stores(std::string_view name) const { return find(name) || unreadable_.contains(name); }
  /// nullptr where there is none of this name.
  const TensorEntry* find(std::string_view name) const;
  /// As find, but throws Error where the tensor is stored in a way that cannot be read, or of another shape.
  const TensorEntry* optional(std::string_view name, std::span<const std::int64_t> shape) const;
  /// As optional, but throws Error where the tensor is missing, too.
  const TensorEntry& require(std::string_view name, std::span<const std::int64_t> shape) const;
  /// The GGUF key-value pairs (tokenizer, chat template); nullptr for a folder.
  virtual const GgufMetadata* gguf() const { return nullptr; }
  /// The chat template of the folder or of the GGUF file. Throws Error only as `budget` does.
  virtual ChatTemplate chat_template(Budget& budget) const = 0;

  /// Says that the numbers of `entry` were read and kept elsewhere: the file's pages need no memory for now.
  /// They stay readable. Keeps the peak of a load at the weights as held.
  virtual void release(const TensorEntry& entry) const = 0;

  /// Sum of the stored sizes of all tensors, those that share their numbers counted once.
  std::uint64_t total_bytes() const;

 protected:
  std::filesystem::path path_;
  std::string format_;
  nlohmann::json config_;
  std::vector<TensorEntry> tensors_;  // sorted by name
  std::map<std::string, std::string, std::less<>> unreadable_;
  /// Tensors that the files name and do not hold: name -> the end of a sentence.
  std::map<std::string, std::string, std::less<>> missing_;
};

}  // namespace qkscope
