#pragma once
#include <CLI/CLI.hpp>

#include "app/cli/options.h"

namespace qkscope::cli {

/// Options of `experiment`; the model's device, dtype and threads are added beside them.
void add_experiment(CLI::App& app, Options& o);
/// Options of `verdict`.
void add_verdict(CLI::App& app, Options& o);
/// What they mean together. Throws UsageError.
void settle_experiment(Options& o);

}  // namespace qkscope::cli
