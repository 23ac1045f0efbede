#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint_formats.h"
#include "core/checkpoint/quantized_checkpoint.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"
#include "core/io/safetensors.h"
#include "core/io/torch_archive.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The ways weights lie in a folder, in the order of preference, as transformers has it.
struct Format {
  std::string_view name, file, index;
};
constexpr Format safetensors{"safetensors", "model.safetensors", "model.safetensors.index.json"};
constexpr Format pytorch{"PyTorch", "pytorch_model.bin", "pytorch_model.bin.index.json"};

using Places = std::map<std::string, std::string>;  // tensor -> file

// False also where the name is too long or the folder closed to us: opening the file says why.
bool is_there(const fs::path& path) {
  std::error_code problem;
  return fs::exists(path, problem);
}

// Also with any stride where there is but one element.
bool is_row_major(const TorchTensor& tensor) {
  if (tensor.bytes.empty()) return true;
  std::int64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0; expected *= tensor.shape[i]) {
    if (tensor.shape[i] > 1 && tensor.strides[i] != expected) return false;
  }
  return true;
}

// Which file beside the index holds each tensor.
Places read_index(const fs::path& path, Budget& budget) {
  const std::string where = in_quotes(path.string());
  const json index = read_json_object(path, budget);
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object()) throw Error(where + " has no object 'weight_map'");
  Places places;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string()) throw Error(where + " has no file name for tensor " + in_quotes(name));
    const auto file = shard.get<std::string>();
    // Shards lie beside their index; a name with a folder in it could be any file of the user's.
    if (file.empty() || file == "." || file == ".." || file.find('/') != file.npos ||
        file.find('\0') != file.npos) {
      throw Error(where + " puts tensor " + in_quotes(name) + " into " + in_quotes(file) +
                  ", expected the name of a file in the same folder");
    }
    places[name] = file;
  }
  return places;
}

class FolderCheckpoint : public Checkpoint {
 public:
  FolderCheckpoint(const fs::path& folder, const fs::path& single_file, Budget& budget) : folder_(folder) {
    path_ = single_file.empty() ? folder : single_file;
    read_config(budget);
    if (!single_file.empty()) {
      add_file(single_file.extension() == ".bin" ? pytorch : safetensors, single_file, budget);
    } else if (!add_weights(safetensors, budget) && !add_weights(pytorch, budget)) {
      throw Error(in_quotes(folder.string()) + " has no weights; expected " + in_quotes(safetensors.file) +
                  ", " + in_quotes(pytorch.file) + " or the shards and index of one of them");
    }
    join_scales();
    refuse_quantized_tensors();
    for (auto& [name, entry] : entries_) tensors_.push_back(std::move(entry));
    entries_.clear();
  }

  ChatTemplate chat_template(Budget& budget) const override { return choose_chat_template(folder_, budget); }

  void release(const TensorEntry& entry) const override {
    for (const auto& file : files_) file->release(entry.bytes);
  }

 private:
  void read_config(Budget& budget) {
    const fs::path path = folder_ / "config.json";
    const std::string where = in_quotes(path.string());
    if (!is_there(path)) {
      throw Error("there is no " + where +
                  "; expected the configuration beside the weights, or a .gguf file");
    }
    config_ = read_json_object(path, budget);
    if (const std::string method = quantization_method(config_); !method.empty() && method != "MXFP4")
      refuse_quantized("the weights beside " + where + " are quantized with " + method);
  }

  void refuse_quantized_tensors() const {
    const auto look_at = [&](const std::string& name) {
      if (const auto method = quantization_of_tensor(name); !method.empty()) {
        refuse_quantized("the weights of " + in_quotes(path_.string()) + " are quantized with " +
                         std::string(method) + ", as the name of tensor " + in_quotes(name) + " shows");
      }
    };
    for (const auto& [name, entry] : entries_) look_at(name);
    for (const auto& [name, why] : unreadable_) look_at(name);
  }
  [[noreturn]] static void refuse_quantized(const std::string& what) {
    throw Error(what +
                ", which is not supported; open the original weights in F32, F16 or BF16, or a GGUF file of "
                "the model");
  }

  // MXFP4 lies in two tensors of bytes, (..., blocks, 16) and (..., blocks); presented as one of numbers
  // under the name of the first. Bytes that are something else stay unreadable.
  void join_scales() {
    constexpr std::string_view blocks_end = "_blocks", scales_end = "_scales";
    constexpr std::int64_t block_bytes = 16, block_numbers = 32;
    for (auto& [name, blocks] : bytes_) {
      if (!name.ends_with(blocks_end)) continue;
      const std::string stem = name.substr(0, name.size() - blocks_end.size());
      const auto scales = bytes_.find(stem + std::string(scales_end));
      std::vector<std::int64_t> shape = blocks.shape;
      if (scales == bytes_.end() || shape.size() < 2 || shape.back() != block_bytes) continue;
      shape.pop_back();
      if (shape != scales->second.shape || blocks.bytes.empty()) continue;
      shape.back() *= block_numbers;
      unreadable_.erase(name);
      unreadable_.erase(scales->first);
      entries_[name] = {name, std::move(shape),    ElementType::MXFP4, blocks.bytes, 0,
                        {},   scales->second.bytes};
    }
    bytes_.clear();
  }

  // False where the folder has none in this format.
  bool add_weights(const Format& format, Budget& budget) {
    if (is_there(folder_ / format.file)) {
      add_file(format, folder_ / format.file, budget);
    } else if (is_there(folder_ / format.index)) {
      add_shards(format, budget);
    } else {
      return false;
    }
    return true;
  }

  // The tensors of one file but those that `places` puts into another.
  void add_file(const Format& format, const fs::path& path, Budget& budget, const Places& places = {}) {
    format_ = format.name;
    const auto& file = files_.emplace_back(std::make_unique<MappedFile>(path));
    const std::string where = in_quotes(path.string());
    const auto add = [&](TensorEntry entry, std::string_view dtype) {
      const auto place = places.find(entry.name);
      if (place != places.end() && place->second != path.filename()) return;
      const std::string name = entry.name;
      if (const auto type = float_type(dtype)) {
        entry.type = *type;
        entries_[name] = std::move(entry);
      } else {
        if (dtype == element_type_name(ElementType::U8) && entry.strides.empty())
          bytes_[name] = std::move(entry);
        unreadable_[name] =
            "is stored as " + in_quotes(dtype) + ", which is not supported; expected F32, F16, BF16 or F64";
      }
    };
    if (format.name == pytorch.name) {
      for (TorchTensor& tensor : parse_torch_archive(file->bytes(), where, budget)) {
        if (is_row_major(tensor)) tensor.strides.clear();
        add({std::move(tensor.name), std::move(tensor.shape), {}, tensor.bytes, 0, std::move(tensor.strides)},
            element_type_name(tensor.type));
      }
    } else {
      for (SafetensorsTensor& tensor : parse_safetensors(file->bytes(), where, budget).tensors)
        add({std::move(tensor.name), std::move(tensor.shape), {}, tensor.bytes, 0}, tensor.dtype);
    }
  }

  void add_shards(const Format& format, Budget& budget) {
    const std::string where = in_quotes((folder_ / format.index).string());
    const Places places = read_index(folder_ / format.index, budget);
    std::set<std::string> shards;
    for (const auto& [name, file] : places) shards.insert(file);
    for (const std::string& file : shards) {
      if (!is_there(folder_ / file)) {
        throw Error("the shard " + in_quotes((folder_ / file).string()) + " named in " + where +
                    " is missing; download it too");
      }
      add_file(format, folder_ / file, budget, places);
    }
    for (const auto& [name, file] : places) {
      if (entries_.contains(name) || unreadable_.contains(name)) continue;
      missing_[name] = "is not in " + in_quotes((folder_ / file).string()) + ", where " + where +
                       " says it is; download the file again";
    }
  }

  fs::path folder_;
  std::map<std::string, TensorEntry> entries_;  // until all files are read
  std::map<std::string, TensorEntry> bytes_;    // those of them that only together with others are numbers
  std::vector<std::unique_ptr<MappedFile>> files_;
};

}  // namespace

std::shared_ptr<const Checkpoint> open_folder(const fs::path& folder, Budget& budget,
                                              const fs::path& single_file) {
  return std::make_shared<FolderCheckpoint>(folder, single_file, budget);
}

std::vector<std::string> missing_shards(const fs::path& folder, Budget& budget) {
  for (const Format& format : {safetensors, pytorch}) {
    if (is_there(folder / format.file)) return {};
    if (!is_there(folder / format.index)) continue;
    std::set<std::string> missing;
    for (const auto& [name, file] : read_index(folder / format.index, budget)) {
      if (!missing.contains(file) && !is_there(folder / file)) missing.insert(file);
    }
    return {missing.begin(), missing.end()};
  }
  return {};
}

}  // namespace qkscope
