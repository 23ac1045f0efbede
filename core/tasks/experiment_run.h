#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "core/tasks/plan.h"
#include "core/tasks/result_store.h"

namespace qkscope {

/// How far a run of an experiment is.
struct ExperimentProgress {
  std::string task;
  std::size_t item = 0, items = 0;  // of that task, from 1
  std::size_t done = 0, of = 0;     // results of this shard
  double remaining_ms = -1;         // from the mean of those computed so far; below 0: not known yet
};

struct ExperimentShard {
  int number = 1, of = 1;  // every of-th item, from the number-th on
};

/// Asks what `store` has no result for, a few items at a time, all arms of one before the next, and adds each
/// result to it at once. Throws Error naming the item, or Cancelled: what was added stays, and another call
/// goes on there.
void run_experiment(const PlannedRuns& runs, std::shared_ptr<const LanguageModel> model, ResultStore& store,
                    ExperimentShard shard = {},
                    const std::function<void(const ExperimentProgress&)>& progress = {},
                    std::stop_token stop = {});

}  // namespace qkscope
