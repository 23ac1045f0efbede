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
    perplexity = text_perplexity(*model, prompt.ids, options.edits, context.stop);
  } else {
    if (request.expected.empty()) request.max_new_tokens = options.max_new;
    const Comparison comparison = Runner(model).compare(request, {}, context.stop);
    perplexity = score_of(comparison.disrupted ? *comparison.disrupted : *comparison.baseline, definition);
  }

  context.text << "perplexity  " << value_text(perplexity) << "\n"
               << "tokens      " << perplexity.nll.size() << " scored\n"
               << "definition  " << definition_words(definition) << "\n";
  for (const Edit& edit : switched_on(options.edits))
    context.text << "disrupted   " << describe(edit) << "\n";
  return {{"definition", definition_name(definition)},
          {"tokens", perplexity.nll.size()},
          {"value", value_json(perplexity)},
          {"nll", perplexity.nll},
          {"ids", perplexity.tokens},
          {"format", prompt.format},
          {"disruptions", disruptions_json(options)}};
}

}  // namespace qkscope::cli
