#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// Where programs keep the models they fetched. All of it is read and never changed.
enum class ShelfKind { Own, HuggingFace, LmStudio, Ollama, LlamaCpp };
struct ShelfPlace {
  ShelfKind kind;
  std::filesystem::path folder;
};

/// "Hugging Face cache", "Ollama", ...
std::string_view shelf_kind_name(ShelfKind kind);

/// The folders in which those programs look, whether they are there or not: QKScope's own, HF_HUB_CACHE or
/// HF_HOME's hub, LM Studio's, OLLAMA_MODELS, LLAMA_CACHE, and their defaults.
std::vector<ShelfPlace> shelf_places();

/// A model on the shelf.
struct ShelfModel {
  std::string name;               // "org/name", "org/name/file" of several in one repository, "llama3.2:1b"
  std::string repository;         // "org/name"; empty where the program keeps none
  std::string revision;           // of the Hugging Face cache: the commit
  std::vector<std::string> refs;  // ... and what it is called there: "main"
  std::filesystem::path path;     // what to open
  ShelfPlace place;

  // Told by describe():
  std::string architecture, format;  // "LlamaForCausalLM", "GGUF"
  std::string stored_type;           // of most of its bytes: "Q4_K", "BF16"
  std::uint64_t bytes = 0;           // on the disk
  std::vector<std::string> missing;  // files that belong to it and are not there
  std::string problem;               // why it cannot be opened, in a sentence
};

/// What lies there, by name; nothing is opened but Ollama's small manifests and the cache's refs. Folders
/// that cannot be read count as empty. Throws Cancelled.
std::vector<ShelfModel> list_shelf(const std::vector<ShelfPlace>& places, std::stop_token stop = {});

/// Looks at the headers of `model`, under a Budget, and fills in the rest. Throws nothing but Cancelled.
void describe(ShelfModel& model, std::stop_token stop = {});

/// The models that `text` may mean: a name, a repository, either of them with @revision (a ref, or the first
/// characters of a commit), in any case, or without the suffix that says how numbers are stored. Of the first
/// way to read it that fits any. Without a revision that of "main" where there is one.
std::vector<ShelfModel> named(const std::vector<ShelfModel>& shelf, const std::string& text);

/// Its name, with @revision where it is not that of "main": as find_model reads it back.
std::string full_name(const ShelfModel& model);

/// What a person calls the model at `path`: its name on the shelf where the path itself only holds a hash,
/// else the folder's or the file's name without its ending.
std::string model_name(const std::filesystem::path& path);

/// `text` as given on a command line: a path, or the name of a model in the folder below or anywhere on the
/// shelf. Throws Error listing the candidates where several fit, and where was looked where none does.
std::filesystem::path find_model(const std::string& text);
/// The user's cache folder (XDG_CACHE_HOME/qkscope/models, where packaging/run.sh puts the default model).
std::filesystem::path models_folder();
/// "SmolLM2-135M-Instruct.Q4_1": what opens where nothing else is said.
std::string default_model_name();

}  // namespace qkscope
