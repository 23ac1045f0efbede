#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "core/run/runner.h"
#include "core/tasks/datasets.h"
#include "core/tasks/model_verdict.h"
#include "core/tasks/plan.h"

namespace qkscope::cli {

namespace {

std::vector<TokenIds> prompts_of(const VerdictOptions& options, const LanguageModel& model) {
  std::vector<TokenIds> prompts;
  for (const std::string& name : options.tasks) {
    const Task task = read_task(find_task(name));
    for (const TaskItem& item : items_of(task, model.tokenizer(), static_cast<std::size_t>(options.items)))
      prompts.push_back(question_ids(model, item));
  }
  return prompts;
}

Document to_json(const Spread& spread) {
  if (spread.of == 0) return nullptr;
  return {{"mean", spread.mean}, {"std", spread.deviation}, {"min", spread.least}, {"max", spread.most}};
}

std::string text(const Spread& spread, double unit = 1) {
  if (spread.of == 0) return "-";
  return fixed(unit * spread.mean, 1) + " +- " + fixed(unit * spread.deviation, 1);
}

Document verdict_of(const Context& context, const std::string& name) {
  Options options = context.options;
  options.model = name;
  const auto model = load_model({options, context.text, context.stop});
  const std::vector<TokenIds> prompts = prompts_of(options.verdict, *model);
  Runner runner(model);
  std::vector<PromptVerdict> prompt_verdicts;
  for (const TokenIds& prompt : prompts) {
    tell_line(model->card().name + ": prompt " + std::to_string(prompt_verdicts.size() + 1) + " of " +
              std::to_string(prompts.size()));
    prompt_verdicts.push_back(verdict_on(runner, *model, prompt, options.lambda, context.stop));
  }
  tell_line("");
  const ModelVerdict found = summarize(model->card().name, prompt_verdicts);
  Document document{{"model", found.model},
                    {"prompts", found.prompts},
                    {"rope", found.rope},
                    {"concentrated", found.concentrated}};
  Table table({{"site", false}, {"massive"}, {"low-frequency half, %"}, {"heads with one, %"}, {"stripes"}});
  for (const auto& [site, of] : {std::pair("q", &found.query), {"k", &found.key}, {"v", &found.value}}) {
    document[site] = {{"massive", to_json(of->massive)},
                      {"low_frequency_half", to_json(of->low_frequency_half)},
                      {"heads", to_json(of->heads)},
                      {"stripes", to_json(of->stripes)}};
    table.add({site, text(of->massive), text(of->low_frequency_half, 100), text(of->heads, 100),
               text(of->stripes)});
  }
  document["linked"] = {{"share", to_json(found.linked)}, {"by_chance", to_json(found.by_chance)}};
  context.text << found.model << ": RoPE " << (found.rope ? "yes" : "no") << "; concentrated on "
               << found.concentrated << " of " << found.prompts << " prompts\n";
  table.print(context.text);
  context.text << "Massive values of K with one of a query head that reads them on the same rotary pair: "
               << text(found.linked, 100) << " %, by chance "
               << (found.by_chance.of > 0 ? fixed(100 * found.by_chance.mean, 1) : "-") << " %\n\n";
  return document;
}

}  // namespace

Document run_verdict(const Context& context) {
  std::vector<std::string> models = context.options.verdict.models;
  if (models.empty()) models = {""};
  // The last of a long list is found missing before the first is computed.
  Options options = context.options;
  for (const std::string& model : models) {
    options.model = model;
    inspect_model({options, context.text, context.stop});
  }
  Document list = Document::array();
  for (const std::string& model : models) list.push_back(verdict_of(context, model));
  return {{"models", list}};
}

}  // namespace qkscope::cli
