#include "core/tasks/model_verdict.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/model/language_model.h"
#include "core/run/runner.h"

namespace qkscope {

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  Spread spread;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / count);
  spread.least = *std::ranges::min_element(values);
  spread.most = *std::ranges::max_element(values);
  return spread;
}

std::vector<PromptVerdict> verdicts(std::shared_ptr<const LanguageModel> model,
                                    const std::vector<TokenIds>& prompts, double lambda,
                                    const std::function<void(std::size_t)>& on_prompt, std::stop_token stop) {
  Runner runner(model);
  std::vector<PromptVerdict> found;
  for (const TokenIds& prompt : prompts) {
    RunRequest request;
    request.prompt = prompt;
    request.needs.norms = {Site::Query, Site::Key, Site::Value};
    const auto run = runner.run(request, {}, stop);
    const Norms& norms = run->capture.norms;
    const LayerAxes axes(model->spec(), run->capture.positions);
    found.push_back({run->capture.positions,
                     verdict(norms, {Site::Query, Site::Key, Site::Value}, lambda, axes),
                     partner_links(norms, Site::Query, Site::Key, lambda, axes)});
    if (on_prompt) on_prompt(found.size());
  }
  return found;
}

}  // namespace qkscope
