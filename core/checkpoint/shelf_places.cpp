// Where other programs keep their models.
#include <cstdlib>

#include "core/checkpoint/model_shelf.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;

/// An environment variable's folder; empty where it is not set.
fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path home() {
  const fs::path folder = variable("HOME");
  return folder.empty() ? "." : folder;
}

fs::path cache() {
  const fs::path folder = variable("XDG_CACHE_HOME");
  return folder.empty() ? home() / ".cache" : folder;
}

/// The first that is set.
fs::path first_of(std::initializer_list<fs::path> folders) {
  for (const fs::path& folder : folders) {
    if (!folder.empty()) return folder;
  }
  return {};
}

fs::path hugging_face_hub() {
  const fs::path hub = first_of({variable("HF_HUB_CACHE"), variable("HUGGINGFACE_HUB_CACHE")});
  return hub.empty() ? first_of({variable("HF_HOME"), cache() / "huggingface"}) / "hub" : hub;
}

}  // namespace

std::string_view shelf_kind_name(ShelfKind kind) {
  switch (kind) {
    case ShelfKind::Own:
      return "QKScope";
    case ShelfKind::HuggingFace:
      return "Hugging Face cache";
    case ShelfKind::LmStudio:
      return "LM Studio";
    case ShelfKind::Ollama:
      return "Ollama";
    case ShelfKind::LlamaCpp:
      return "llama.cpp";
  }
  return {};
}

std::filesystem::path models_folder() {
  return cache() / "qkscope" / "models";
}

std::vector<ShelfPlace> shelf_places() {
  return {{ShelfKind::Own, models_folder()},
          {ShelfKind::HuggingFace, hugging_face_hub()},
          {ShelfKind::LmStudio, home() / ".lmstudio" / "models"},
          {ShelfKind::LmStudio, home() / ".cache" / "lm-studio" / "models"},
          {ShelfKind::Ollama, first_of({variable("OLLAMA_MODELS"), home() / ".ollama" / "models"})},
          {ShelfKind::LlamaCpp, first_of({variable("LLAMA_CACHE"), cache() / "llama.cpp"})}};
}

}  // namespace qkscope
