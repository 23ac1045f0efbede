#pragma once
#include <string>

#include "app/cli/command.h"

namespace qkscope::cli {

/// `experiment slurm`: writes a job array of one shard a task, which is put back into the queue and goes on
/// where it was when it is killed, and a job that merges them once all are done; submits both unless
/// --dry-run. Throws Error with what sbatch said.
Document run_slurm(const Context& context);

}  // namespace qkscope::cli
