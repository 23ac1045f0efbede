#pragma once
#include <CLI/CLI.hpp>

#include "app/cli/options.h"

namespace qkscope::cli {

/// Options of `dataset`; the model's device, dtype and threads are added beside them.
void add_dataset(CLI::App& app, Options& o);
/// What they mean together. Throws UsageError.
void settle_dataset(Options& o);

}  // namespace qkscope::cli
