#pragma once
#include <array>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/analysis/partner_links.h"
#include "core/analysis/verdict.h"
#include "core/base/array.h"

namespace qkscope {

class LanguageModel;
class Runner;

/// The tasks whose questions are the prompts where nothing else is said.
inline constexpr std::array verdict_tasks = {"pass-keys", "owners", "facts", "capitals", "people"};

/// What Table 3 would say of a model on one prompt, and which of its massive values answer to each other.
struct PromptVerdict {
  int positions = 0;
  Verdict verdict;
  PartnerLinks links;
};

/// One baseline pass over a prompt, Q, K and V after RoPE. `runner` is of `model`. Throws Error, or
/// Cancelled.
PromptVerdict verdict_on(Runner& runner, const LanguageModel& model, const TokenIds& prompt, double lambda,
                         std::stop_token stop = {});

/// Mean and standard deviation (of the population) over the prompts on which it is a number, and the range.
struct Spread {
  std::size_t of = 0;  // such prompts; with none there is nothing to tell
  double mean = 0, deviation = 0, least = 0, most = 0;
};
Spread spread_of(const std::vector<double>& values);

/// A row of Table 3 over many prompts.
struct ModelVerdict {
  std::string model;
  std::size_t prompts = 0, concentrated = 0;  // and on how many of them massive values are concentrated
  bool rope = false;
  struct OfSite {
    Spread massive;             // values
    Spread low_frequency_half;  // the share of them there; of no prompt without RoPE
    Spread heads;               // the share of heads that have one
    Spread stripes;
  };
  OfSite query, key, value;
  Spread heads_share, low_share;  // of Q and K together, by which a prompt's verdict is given
  Spread linked, by_chance;       // PartnerLinks' linked and expected_linked, in shares of K's values
};
ModelVerdict summarize(const std::string& model, std::span<const PromptVerdict> prompts);

/// A link, and on how many of the prompts both its values are massive.
struct CommonLink {
  PartnerLink link;
  std::size_t prompts = 0;
};
/// Those on most prompts first, then in the order of PartnerLinks.
std::vector<CommonLink> common_links(std::span<const PromptVerdict> prompts);

/// A row for each site of each model; fields of what is no number are empty.
std::string to_csv(std::span<const ModelVerdict> models);
/// A row for each link; `prompts`: how many there are in all.
std::string to_csv(const std::string& model, std::size_t prompts, std::span<const CommonLink> links);

}  // namespace qkscope
