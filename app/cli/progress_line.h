#pragma once
#include <functional>

#include "core/tasks/experiment_run.h"

namespace qkscope::cli {

/// How far an experiment is, on stderr where that is a terminal.
std::function<void(const ExperimentProgress&)> progress_line();

}  // namespace qkscope::cli
