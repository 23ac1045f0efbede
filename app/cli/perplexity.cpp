#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "app/cli/scoring.h"
#include "core/run/runner.h"

namespace qkscope::cli {

Document run_perplexity(const Context& context) {
  const Options& options = context.options;
  const PerplexityDefinition definition = definition_of(options);
  const auto model = load_model(context);
  const PromptTokens prompt = prompt_of(*model, options);
  RunRequest request = request_of(*model, options, prompt);
  ask_score(*model, options, request);

  Perplexity perplexity;
  if (definition == PerplexityDefinition::Text) {
    perplexity = text_perplexity(*model, prompt.ids, options.disruptions, context.stop);
  } else {
    if (request.expected.empty()) request.max_new_tokens = options.max_new;
    const Comparison comparison = Runner(model).compare(request, {}, context.stop);
    perplexity =
        score_of(options.disruptions.empty() ? *comparison.baseline : *comparison.disrupted, definition);
  }

  context.text << "perplexity  " << value_text(perplexity) << "\n"
               << "tokens      " << perplexity.nll.size() << " scored\n"
               << "definition  " << definition_words(definition) << "\n";
  for (const Disruption& d : options.disruptions) context.text << "disrupted   " << describe(d) << "\n";
  return {{"definition", definition_name(definition)},
          {"tokens", perplexity.nll.size()},
          {"value", value_json(perplexity)},
          {"nll", perplexity.nll},
          {"ids", perplexity.tokens},
          {"format", prompt.format},
          {"disruptions", disruptions_json(options)}};
}

}  // namespace qkscope::cli
