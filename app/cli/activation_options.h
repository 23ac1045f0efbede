#pragma once
#include <CLI/CLI.hpp>

#include "app/cli/options.h"

namespace qkscope::cli {

/// Options of `activations` beside the model's.
void add_activations(CLI::App& app, Options& o);

}  // namespace qkscope::cli
