#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/run/edit.h"
#include "core/run/run.h"
#include "core/tasks/task.h"

namespace qkscope {

/// A list of edits with a name. The baseline has none.
struct ExperimentArm {
  std::string name;
  Edits edits;
  std::string control_of;  // the name of the arm that it is a matched control of; empty: of none
  std::string value;       // of the property that a sweep goes through; empty: not of a sweep
};

/// Tasks under several arms: a JSON file (datasets/README.md tells its keys), as a value.
struct Experiment {
  std::string name;  // the file's, without its ending
  std::string title;
  struct Part {
    Task task;
    std::size_t most_items = 0;  // 0 = all
  };
  std::vector<Part> tasks;
  std::vector<ExperimentArm> arms;         // the baseline first; no two with one name
  std::vector<std::string> models;         // paths or names; empty: the caller says which
  Sampling sampling;                       // its seed apart
  std::vector<std::uint64_t> seeds = {0};  // where answers are drawn, each item is asked once with each
  bool score_expected = true;              // perplexity (a) of the expected answer, where the task has one
  bool score_as_published = false;         // its perplexity (c), too
  bool score_answers = false;              // perplexities of the answers that were written
};

/// `data`: a folder where tasks find their files, too. Throws Error naming the file, the key and what was
/// expected.
Experiment read_experiment(const std::filesystem::path& path, const std::filesystem::path& data = {});

}  // namespace qkscope
