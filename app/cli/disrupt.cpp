#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "app/cli/scoring.h"
#include "core/run/runner.h"

namespace qkscope::cli {

namespace {

Document run_json(const LanguageModel& model, const Run& run, const Perplexity& perplexity) {
  Document next = Document::array();
  for (const TokenProbability& token : run.next_tokens) {
    next.push_back({{"id", token.id},
                    {"piece", model.tokenizer().piece_text(token.id)},
                    {"probability", token.probability},
                    {"logit", token.logit}});
  }
  return {{"text", model.tokenizer().decode(run.answer, true)},
          {"ids", run.answer},
          {"stopped", run.stopped},
          {"perplexity", value_json(perplexity)},
          {"nll", perplexity.nll},
          {"next_tokens", next}};
}

}  // namespace

Document run_disrupt(const Context& context) {
  Options options = context.options;
  if (options.edits.empty()) options.edits = {parse_edit("lambda 5 on Q")};
  if (switched_on(options.edits).empty())
    throw UsageError(
        "every --disrupt is switched off: there is nothing to compare with; leave the word off out");
  if (!options.definition) options.definition = PerplexityDefinition::Continuation;
  const auto model = load_model(context);
  const PromptTokens prompt = prompt_of(*model, options);
  RunRequest request = request_of(*model, options, prompt);
  ask_score(*model, options, request);
  request.max_new_tokens = options.max_new;

  const Comparison comparison = Runner(model).compare(request, {}, context.stop);
  const Run &baseline = *comparison.baseline, &disrupted = *comparison.disrupted;
  const Perplexity &before = score_of(baseline, *options.definition),
                   &after = score_of(disrupted, *options.definition);

  for (const Edit& edit : switched_on(options.edits)) context.text << describe(edit) << "\n";
  context.text << disrupted.replaced << " columns replaced in a prompt of " << prompt.ids.size()
               << " tokens, " << prompt.format << "\n\n";
  Table table({{"", false}, {"perplexity"}, {"answer", false}});
  const auto answer = [&](const Run& run) { return one_line(model->tokenizer().decode(run.answer, true)); };
  table.add({"baseline", value_text(before), answer(baseline)});
  table.add({"disrupted", value_text(after), answer(disrupted)});
  table.print(context.text);
  context.text << "\n" << definition_words(*options.definition) << "\n";

  return {{"baseline", run_json(*model, baseline, before)},
          {"disrupted", run_json(*model, disrupted, after)},
          {"replaced", disrupted.replaced},
          {"definition", definition_name(*options.definition)},
          {"scored_ids", before.tokens},
          {"prompt_ids", prompt.ids},
          {"format", prompt.format},
          {"disruptions", disruptions_json(options)}};
}

}  // namespace qkscope::cli
