#include "app/cli/scoring.h"

#include "app/cli/output.h"
#include "app/cli/prompt.h"

namespace qkscope::cli {

PerplexityDefinition definition_of(const Options& options) {
  if (options.definition) return *options.definition;
  return options.text_file && !options.expect ? PerplexityDefinition::Text
                                              : PerplexityDefinition::Continuation;
}

void ask_score(const LanguageModel& model, const Options& options, RunRequest& request) {
  const PerplexityDefinition definition = definition_of(options);
  if (definition == PerplexityDefinition::Text && options.expect)
    throw UsageError("--expect has no part in --definition text, which scores the prompt itself");
  request.score_continuation = definition == PerplexityDefinition::Continuation;
  request.score_prompt = definition == PerplexityDefinition::Text;
  request.score_as_published = definition == PerplexityDefinition::AsPublished;
  if (!options.expect) return;
  request.expected = answer_ids(model, *options.expect);
  if (request.expected.empty()) throw UsageError("--expect is empty; give the answer to be scored");
}

const Perplexity& score_of(const Run& run, PerplexityDefinition definition) {
  const auto& perplexity = definition == PerplexityDefinition::Continuation ? run.continuation
                           : definition == PerplexityDefinition::Text       ? run.prompt_text
                                                                            : run.as_published;
  if (!perplexity) throw Error("No perplexity came of this run; please report it with the command line");
  return *perplexity;
}

Document value_json(const Perplexity& perplexity) {
  const auto value = perplexity.value();
  return value ? Document(*value) : Document(nullptr);
}

std::string value_text(const Perplexity& perplexity) {
  const auto value = perplexity.value();
  return value ? fixed(*value, 3) : "none: no token was scored";
}

Document disruptions_json(const Options& options) {
  Document list = Document::array();
  for (const Edit& edit : options.edits) list.push_back(to_text(edit));
  return list;
}

}  // namespace qkscope::cli
