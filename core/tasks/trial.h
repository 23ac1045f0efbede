#pragma once
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/tasks/plan.h"
#include "core/tasks/result_store.h"

namespace qkscope {

class Runner;

/// One question of an experiment under one arm.
struct Trial {
  std::size_t task = 0, item = 0, arm = 0;
};

const std::string& key_of(const Plan& plan, const Trial& trial);

/// What each gives, in their order; the time of all is told as equal parts. Of one prompt the baseline is
/// computed once, and answers are written side by side: see Runner::run_all(). Throws Error that names the
/// task and item where they are of one, or Cancelled; then none is told.
std::vector<TrialResult> ask(Runner& runner, const LanguageModel& model, const PlannedRuns& runs,
                             std::span<const Trial> trials, std::stop_token stop);

}  // namespace qkscope
