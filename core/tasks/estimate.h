#pragma once
#include <memory>
#include <optional>
#include <stop_token>

#include "core/tasks/plan.h"
#include "core/tasks/result_store.h"

namespace qkscope {

/// How long an experiment takes on the model at hand, in milliseconds, by what a token took there just now.
struct ExperimentEstimate {
  std::size_t answers = 0;           // that are not there yet
  double read_ms = 0, write_ms = 0;  // a token of a prompt, a token of an answer
  double most_ms = 0;                // were every answer as long as its task allows
  bool operator==(const ExperimentEstimate&) const = default;
};

/// Times the first question that `store` has no answer to, without edits and for a few tokens of its answer.
/// Nothing where all are there. Throws Error, or Cancelled.
std::optional<ExperimentEstimate> estimate(const PlannedRuns& runs,
                                           std::shared_ptr<const LanguageModel> model,
                                           const ResultStore& store, std::stop_token stop = {});

}  // namespace qkscope
