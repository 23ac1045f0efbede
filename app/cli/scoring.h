#pragma once
#include "app/cli/command.h"
#include "core/run/run.h"

namespace qkscope::cli {

/// --definition, else the one that goes with the prompt's option.
PerplexityDefinition definition_of(const Options& options);
/// Asks `request` for that perplexity, of --expect or of an answer of --max-new tokens. Throws UsageError
/// where options do not go together.
void ask_score(const LanguageModel& model, const Options& options, RunRequest& request);
/// What ask_score asked for.
const Perplexity& score_of(const Run& run, PerplexityDefinition definition);
/// exp(mean nll), null where no token was scored.
Document value_json(const Perplexity& perplexity);
/// "1.445", or why there is none.
std::string value_text(const Perplexity& perplexity);
/// The disruptions as --disrupt reads them back.
Document disruptions_json(const Options& options);

}  // namespace qkscope::cli
