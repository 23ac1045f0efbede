#include "core/tasks/estimate.h"

#include <algorithm>

#include "core/model/language_model.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

/// What a token takes, after a pass that readied the model.
void measure(ExperimentEstimate& cost, RunRequest request, std::shared_ptr<const LanguageModel> model,
             std::stop_token stop) {
  constexpr int few_tokens = 8;
  request.edits = {};
  request.stop_tokens = {};
  request.score_continuation = request.score_as_published = false;
  request.max_new_tokens = 0;
  Runner(model).run(request, {}, stop);
  request.max_new_tokens = few_tokens;
  const auto run = Runner(model).run(request, {}, stop);
  cost.read_ms = run->prefill_ms / static_cast<double>(request.prompt.size());
  // The first token comes with the prompt.
  cost.write_ms = run->decode_ms / (few_tokens - 1);
}

}  // namespace

std::optional<ExperimentEstimate> estimate(const PlannedRuns& runs,
                                           std::shared_ptr<const LanguageModel> model,
                                           const ResultStore& store, std::stop_token stop) {
  ExperimentEstimate found;
  double read = 0, written = 0;  // tokens
  const RunRequest* first = nullptr;
  for (std::size_t task = 0; task < runs.plan.tasks.size(); ++task) {
    for (std::size_t item = 0; item < runs.plan.tasks[task].items.size(); ++item) {
      const RunRequest& request = runs.requests[task][item];
      const auto& keys = runs.plan.tasks[task].items[item].keys;
      const auto open = static_cast<std::size_t>(
          std::ranges::count_if(keys, [&store](const std::string& key) { return !store.find(key); }));
      if (open == 0) continue;
      if (!first) first = &request;
      found.answers += open;
      // An arm starts from the pass without edits, which is made in any case.
      const std::size_t passes = store.find(keys.front()) ? open + 1 : open;
      read += static_cast<double>(passes * request.prompt.size());
      double scored = static_cast<double>(request.expected.size());
      for (const TokenIds& choice : runs.choices[task][item]) scored += static_cast<double>(choice.size());
      read += static_cast<double>(open) * scored;
      written += static_cast<double>(open) * request.max_new_tokens;
    }
  }
  if (!first) return std::nullopt;
  measure(found, *first, std::move(model), std::move(stop));
  found.most_ms = read * found.read_ms + written * found.write_ms;
  return found;
}

}  // namespace qkscope
