#include <algorithm>
#include <cmath>
#include <functional>

#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "app/cli/scoring.h"
#include "core/run/runner.h"
#include "core/tasks/effect_map.h"

namespace qkscope::cli {

namespace {

const Disruption& disruption_of(const Options& options) {
  static const Disruption usual;
  if (options.edits.empty()) return usual;
  const Disruption* asked = options.edits.front().disruption();
  if (options.edits.size() > 1 || !asked)
    throw UsageError(
        "effect-map takes one --disrupt, of Q, K or V; its site, layers and heads are the map's own");
  return *asked;
}

Document to_json(const EffectCell& cell) {
  return {{"layer", cell.layer},
          {"head", cell.head < 0 ? Document(nullptr) : Document(cell.head)},
          {"site", effect_name(cell.site)},
          {"pick", effect_name(cell.pick)},
          {"perplexity", cell.perplexity ? Document(*cell.perplexity) : Document(nullptr)},
          {"change", cell.change},
          {"answer_changed", cell.answer_changed},
          {"replaced", cell.replaced}};
}

}  // namespace

Document run_effect_map(const Context& context) {
  const Options& options = context.options;
  if (definition_of(options) != PerplexityDefinition::Continuation)
    throw UsageError(
        "effect-map scores an answer after its prompt: --definition can only be continuation, and "
        "--text-file needs --expect");
  const EffectSettings settings{disruption_of(options), options.per_head, options.sampling.seed};
  const auto model = load_model(context);
  RunRequest request = request_of(*model, options, prompt_of(*model, options));
  request.edits = {};
  request.max_new_tokens = options.max_new;
  ask_score(*model, options, request);
  Runner runner(model);
  const EffectMap map = effect_map(
      runner, model->spec(), request, settings,
      [](const EffectCell&, std::size_t done, std::size_t of) {
        tell_line(done < of ? "effects, " + std::to_string(done) + " of " + std::to_string(of) : "");
      },
      context.stop);

  Document cells = Document::array();
  for (const EffectCell& cell : map.cells) cells.push_back(to_json(cell));
  std::vector<EffectCell> sorted = map.cells;
  std::ranges::stable_sort(sorted, std::greater(),
                           [](const EffectCell& cell) { return std::abs(cell.change); });
  Table table({{"layer"},
               {"head"},
               {"site", false},
               {"pick", false},
               {"replaced"},
               {"perplexity"},
               {"nats"},
               {"answer", false}});
  for (const EffectCell& cell : sorted) {
    table.add({std::to_string(cell.layer + 1), cell.head < 0 ? "all" : std::to_string(cell.head + 1),
               std::string(effect_name(cell.site)), std::string(effect_name(cell.pick)),
               std::to_string(cell.replaced), cell.perplexity ? fixed(*cell.perplexity, 3) : "-",
               fixed(cell.change, 3), cell.answer_changed ? "another" : "the same"});
  }
  context.text << "Perplexity of " << one_line(model->tokenizer().decode(map.expected, true)) << ": "
               << (map.perplexity ? fixed(*map.perplexity, 3) : "-") << " undisturbed\n\n";
  table.print(context.text);
  return {{"prompt_ids", request.prompt},
          {"scored_ids", map.expected},
          {"ids", map.answer},
          {"perplexity", map.perplexity ? Document(*map.perplexity) : Document(nullptr)},
          {"disruption", to_option(map.disruption)},
          {"cells", cells}};
}

}  // namespace qkscope::cli
