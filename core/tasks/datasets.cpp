#include "core/tasks/datasets.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code problem;  // a text may be too long for a name
  return fs::is_regular_file(path, problem);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string names_in(const fs::path& folder) {
  std::string list;
  for (const fs::path& file : files_in(folder)) list += (list.empty() ? "" : ", ") + file.stem().string();
  return list;
}

fs::path find(const char* what, const std::string& text, const std::vector<fs::path>& beside,
              const fs::path& folder) {
  std::vector<fs::path> places = {text};
  for (const fs::path& place : beside) places.insert(places.end(), {place / text, place / (text + ".json")});
  places.insert(places.end(), {folder / text, folder / (text + ".json")});
  const auto found = std::ranges::find_if(places, is_file);
  if (found != places.end()) return *found;
  const std::string names = names_in(folder);
  throw Error(std::string("There is no ") + what + " " + in_quotes(text) +
              ": neither a file of this name nor one of " +
              (names.empty() ? "the folder " + in_quotes(folder.string()) + ", which has none" : names));
}

}  // namespace

fs::path datasets_folder() {
  if (const char* folder = std::getenv("QKSCOPE_DATASETS"); folder && *folder) return folder;
  Dl_info info{};
  std::error_code problem;
  if (dladdr(reinterpret_cast<const void*>(&datasets_folder), &info) && info.dli_fname) {
    const fs::path own = fs::canonical(info.dli_fname, problem).parent_path();
    const fs::path installed = (own / QKSCOPE_DATASETS_FROM_CORE).lexically_normal();
    if (fs::is_directory(installed / "tasks", problem)) return installed;
  }
  return QKSCOPE_DATASETS_SOURCE;
}

fs::path find_task(const std::string& text, const fs::path& beside) {
  std::vector<fs::path> places;
  if (!beside.empty()) places = {beside};
  return find("task", text, places, datasets_folder() / "tasks");
}

fs::path find_experiment(const std::string& text) {
  return find("experiment", text, {}, datasets_folder() / "experiments");
}

std::vector<fs::path> known_tasks() {
  return files_in(datasets_folder() / "tasks");
}

std::vector<fs::path> known_experiments() {
  return files_in(datasets_folder() / "experiments");
}

}  // namespace qkscope
