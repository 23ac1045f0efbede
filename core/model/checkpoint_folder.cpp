#include <map>
#include <set>

#include "core/error.h"
#include "core/model/checkpoint_formats.h"
#include "core/model/json_file.h"
#include "core/model/mapped_file.h"
#include "core/model/safetensors.h"
#include "core/model/wording.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* single_name = "model.safetensors";
constexpr const char* index_name = "model.safetensors.index.json";

using Places = std::map<std::string, std::string>;  // tensor -> file

// False also where the name is too long or the folder closed to us: opening the file says why.
bool is_there(const fs::path& path) {
  std::error_code problem;
  return fs::exists(path, problem);
}

class FolderCheckpoint : public Checkpoint {
 public:
  FolderCheckpoint(const fs::path& folder, const fs::path& single_file, Budget& budget) : folder_(folder) {
    path_ = single_file.empty() ? folder : single_file;
    format_ = "safetensors";
    read_config(budget);
    if (!single_file.empty()) {
      add_file(single_file, budget);
    } else if (is_there(folder / single_name)) {
      add_file(folder / single_name, budget);
    } else if (is_there(folder / index_name)) {
      add_shards(budget);
    } else {
      throw Error(in_quotes(folder.string()) +
                  " has neither model.safetensors nor model.safetensors.index.json" +
                  (is_there(folder / "pytorch_model.bin") || is_there(folder / "pytorch_model.bin.index.json")
                       ? "; its pytorch_model.bin must be saved again as safetensors first"
                       : ""));
    }
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
    if (const auto quantization = config_.find("quantization_config");
        quantization != config_.end() && quantization->is_object()) {
      const json method = quantization->value("quant_method", json("an unnamed method"));
      throw Error("the weights beside " + where + " are quantized with " +
                  in_quotes(method.is_string() ? method.get<std::string>() : method.dump()) +
                  ", which is not supported; open the original weights or a GGUF file");
    }
  }

  // The tensors of one file but those that `places` puts into another.
  void add_file(const fs::path& path, Budget& budget, const Places& places = {}) {
    const auto& file = files_.emplace_back(std::make_unique<MappedFile>(path));
    const std::string where = in_quotes(path.string());
    for (SafetensorsTensor& tensor : parse_safetensors(file->bytes(), where, budget).tensors) {
      const auto place = places.find(tensor.name);
      if (place != places.end() && place->second != path.filename()) continue;
      if (const auto type = float_type(tensor.dtype)) {
        entries_[tensor.name] = {tensor.name, std::move(tensor.shape), *type, tensor.bytes, 0};
      } else {
        unreadable_[tensor.name] = "is stored as " + in_quotes(tensor.dtype) +
                                   ", which is not supported; expected F32, F16, BF16 or F64";
      }
    }
  }

  void add_shards(Budget& budget) {
    const std::string where = in_quotes((folder_ / index_name).string());
    const json index = read_json_object(folder_ / index_name, budget);
    const auto map = index.find("weight_map");
    if (map == index.end() || !map->is_object()) throw Error(where + " has no object 'weight_map'");
    Places places;
    std::set<std::string> shards;
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
      shards.insert(file);
    }
    for (const std::string& file : shards) {
      if (!is_there(folder_ / file)) {
        throw Error("the shard " + in_quotes((folder_ / file).string()) + " named in " + where +
                    " is missing; download it too");
      }
      add_file(folder_ / file, budget, places);
    }
    for (const auto& [name, file] : places) {
      if (entries_.contains(name) || unreadable_.contains(name)) continue;
      missing_[name] = "is not in " + in_quotes((folder_ / file).string()) + ", where " + where +
                       " says it is; download the file again";
    }
  }

  fs::path folder_;
  std::map<std::string, TensorEntry> entries_;  // until all files are read
  std::vector<std::unique_ptr<MappedFile>> files_;
};

}  // namespace

std::shared_ptr<const Checkpoint> open_folder(const fs::path& folder, Budget& budget,
                                              const fs::path& single_file) {
  return std::make_shared<FolderCheckpoint>(folder, single_file, budget);
}

}  // namespace qkscope
