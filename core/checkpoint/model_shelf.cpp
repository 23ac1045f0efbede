// What lies on the shelf: the layouts of the programs' folders.
#include "core/checkpoint/model_shelf.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/wording.h"
#include "core/checkpoint/gguf_parts.h"
#include "core/io/json_file.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;

/// What is in a folder, by name; nothing where it cannot be read.
std::vector<fs::path> entries(const fs::path& folder, const std::stop_token& stop) {
  std::vector<fs::path> found;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    if (stop.stop_requested()) throw Cancelled();
    found.push_back(at->path());
  }
  std::ranges::sort(found);
  return found;
}

/// A link that leads nowhere is there all the same: the model it belongs to is incomplete, not absent.
bool is_listed(const fs::path& path) {
  std::error_code problem;
  return fs::exists(fs::symlink_status(path, problem));
}

bool is_folder(const fs::path& path) {
  std::error_code problem;
  return fs::is_directory(path, problem);
}

/// The first words of a small text file, such as a ref.
std::string first_line(const fs::path& path) {
  std::string text;
  std::ifstream file(path, std::ios::binary);
  char c = 0;
  while (text.size() < 200 && file.get(c) && c != '\n' && c != '\r') text += c;
  return text;
}

class Lister {
 public:
  Lister(ShelfPlace place, std::stop_token stop) : place_(std::move(place)), stop_(std::move(stop)) {}

  std::vector<ShelfModel> list() {
    switch (place_.kind) {
      case ShelfKind::Own:
      case ShelfKind::LlamaCpp:
        add_folder(place_.folder, {}, 1);
        break;
      case ShelfKind::LmStudio:
        add_folder(place_.folder, {}, 2);  // publisher/name/file
        break;
      case ShelfKind::HuggingFace:
        add_hugging_face();
        break;
      case ShelfKind::Ollama:
        add_ollama(place_.folder / "manifests", {}, 0);
        break;
    }
    return std::move(models_);
  }

 private:
  ShelfModel& add(const std::string& name, const std::string& repository, const fs::path& path) {
    ShelfModel& model = models_.emplace_back();
    model.name = name;
    model.repository = repository;
    model.path = path;
    model.place = place_;
    return model;
  }

  /// The checkpoint that `folder` is, its GGUF files, and those of its folders down to `depth`. `name`: what
  /// the folder is called, empty for the place itself.
  void add_folder(const fs::path& folder, const std::string& name, int depth) {
    const auto inside = [&](const std::string& file) { return name.empty() ? file : name + "/" + file; };
    constexpr const char* marks[] = {"config.json", "model.safetensors", "model.safetensors.index.json",
                                     "pytorch_model.bin", "pytorch_model.bin.index.json"};
    if (!name.empty() &&
        std::ranges::any_of(marks, [&](const char* mark) { return is_listed(folder / mark); }))
      add(name, name, folder);
    std::map<std::string, fs::path> files;  // of a split file the first part there is
    for (const fs::path& path : entries(folder, stop_)) {
      if (path.extension() == ".gguf") {
        files.emplace(gguf_stem(path), path);
      } else if (depth > 0 && is_folder(path)) {
        add_folder(path, inside(path.filename().string()), depth - 1);
      }
    }
    for (const auto& [stem, path] : files) add(inside(stem), name, path);
  }

  /// models--org--name/snapshots/COMMIT, where refs/main names a commit (huggingface_hub, "Understand
  /// caching").
  void add_hugging_face() {
    constexpr std::string_view prefix = "models--";
    for (const fs::path& folder : entries(place_.folder, stop_)) {
      std::string repository = folder.filename().string();
      if (!repository.starts_with(prefix)) continue;
      repository.erase(0, prefix.size());
      if (const auto dashes = repository.find("--"); dashes != repository.npos)
        repository.replace(dashes, 2, "/");
      std::map<std::string, std::vector<std::string>> refs;  // by commit
      for (const fs::path& ref : entries(folder / "refs", stop_))
        refs[first_line(ref)].push_back(ref.filename().string());
      for (const fs::path& snapshot : entries(folder / "snapshots", stop_)) {
        const std::size_t first = models_.size();
        add_folder(snapshot, repository, 1);
        for (std::size_t i = first; i < models_.size(); ++i) {
          models_[i].repository = repository;
          models_[i].revision = snapshot.filename().string();
          models_[i].refs = refs[models_[i].revision];
        }
      }
    }
  }

  /// manifests/HOST/NAMESPACE/NAME/TAG, a JSON file that names the blob with the weights.
  void add_ollama(const fs::path& folder, const std::string& name, int depth) {
    for (const fs::path& path : entries(folder, stop_)) {
      const std::string last = path.filename().string();
      if (depth < 3) {
        const bool usual = (depth == 0 && last == "registry.ollama.ai") || (depth == 1 && last == "library");
        add_ollama(path, usual ? name : name.empty() ? last : name + "/" + last, depth + 1);
      } else if (const fs::path blob = ollama_blob(path); !blob.empty()) {
        add(name + ":" + last, name, blob);
      }
    }
  }

  /// Empty where the manifest names no weights.
  fs::path ollama_blob(const fs::path& manifest) const {
    try {
      Budget budget(in_quotes(manifest.string()), stop_);
      const nlohmann::json json = read_json_object(manifest, budget);
      for (const auto& layer : json.value("layers", nlohmann::json::array())) {
        if (layer.value("mediaType", "") != "application/vnd.ollama.image.model") continue;
        std::string digest = layer.value("digest", "");
        std::ranges::replace(digest, ':', '-');
        if (digest.starts_with("sha256-") && digest.find_first_of("/\\") == digest.npos)
          return place_.folder / "blobs" / digest;
      }
    } catch (const Error&) {  // no manifest, or a damaged one: Ollama itself says more of it
    } catch (const nlohmann::json::exception&) {
    }
    return {};
  }

  ShelfPlace place_;
  std::stop_token stop_;
  std::vector<ShelfModel> models_;
};

}  // namespace

std::vector<ShelfModel> list_shelf(const std::vector<ShelfPlace>& places, std::stop_token stop) {
  std::vector<ShelfModel> shelf;
  for (const ShelfPlace& place : places) {
    auto models = Lister(place, stop).list();
    std::ranges::move(models, std::back_inserter(shelf));
  }
  return shelf;
}

}  // namespace qkscope
