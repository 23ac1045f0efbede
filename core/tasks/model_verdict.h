#pragma once
#include <array>
#include <functional>
#include <stop_token>
#include <vector>

#include "core/analysis/partner_links.h"
#include "core/analysis/verdict.h"
#include "core/base/array.h"

namespace qkscope {

class LanguageModel;

/// What Table 3 would say of a model on one prompt, and which of its massive values answer to each other.
struct PromptVerdict {
  int positions = 0;
  Verdict verdict;
  PartnerLinks links;
};

/// Mean and standard deviation (of the population) over prompts, and the range.
struct Spread {
  double mean = 0, deviation = 0, least = 0, most = 0;
};
Spread spread_of(const std::vector<double>& values);

/// One baseline pass over each prompt, Q, K and V after RoPE. `on_prompt` is told how many are done. Throws
/// Error, or Cancelled.
std::vector<PromptVerdict> verdicts(std::shared_ptr<const LanguageModel> model,
                                    const std::vector<TokenIds>& prompts, double lambda,
                                    const std::function<void(std::size_t done)>& on_prompt = {},
                                    std::stop_token stop = {});

}  // namespace qkscope
