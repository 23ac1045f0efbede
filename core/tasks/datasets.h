#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace qkscope {

/// Where the tasks and experiments that come with the program lie: QKSCOPE_DATASETS where the environment has
/// it, else beside the installed program, else the source tree that it was built from.
std::filesystem::path datasets_folder();

/// A task file: `text` as a path, from `beside` too, or the name of one in the datasets folder. Throws Error
/// that lists those names.
std::filesystem::path find_task(const std::string& text, const std::filesystem::path& beside = {});
/// Likewise an experiment, of datasets/experiments.
std::filesystem::path find_experiment(const std::string& text);
/// Those that come with the program, by their names.
std::vector<std::filesystem::path> known_experiments();
std::vector<std::filesystem::path> known_tasks();

}  // namespace qkscope
