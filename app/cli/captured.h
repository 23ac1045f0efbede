#pragma once
#include "app/cli/prompt.h"

namespace qkscope::cli {

/// The capture that massive and capture look at: of the disrupted pass where there is a disruption. `values`:
/// every number of the sites, not M alone.
struct Captured {
  std::shared_ptr<const LanguageModel> model;
  PromptTokens prompt;
  std::shared_ptr<const Run> run;
};
Captured capture_of(const Context& context, bool values);

/// Throws UsageError where positions are to be left out that a prompt of so many has not.
void check_left_out(const LeftOut& left_out, int positions);
/// M as it was asked for: of all positions, or without those left out.
const Norms& norms_of(const Capture& capture);

/// Whether M is defined for a site: Q, K and V.
bool has_norm(Site site);

/// "layers.3.query", "logits": what a file calls the numbers of a place.
std::string array_name(SiteId where);

/// Where the numbers of a file come from, as strings for its header.
std::map<std::string, std::string> provenance(const Options& options, const LanguageModel& model,
                                              const PromptTokens& prompt);

}  // namespace qkscope::cli
