#include <cmath>

#include "app/cli/output.h"
#include "app/cli/prompt.h"
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

/// Over the prompts on which it is a number.
template <typename Value>
Spread spread(const std::vector<PromptVerdict>& prompts, const Value& value) {
  std::vector<double> values;
  for (const PromptVerdict& prompt : prompts) {
    if (const double x = value(prompt); std::isfinite(x)) values.push_back(x);
  }
  return spread_of(values);
}

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

Document to_json(const Spread& spread) {
  return {{"mean", spread.mean}, {"std", spread.deviation}, {"min", spread.least}, {"max", spread.most}};
}

std::string text(const Spread& spread, double unit, int digits) {
  return fixed(unit * spread.mean, digits) + " +- " + fixed(unit * spread.deviation, digits);
}

struct SiteSpread {
  const char* name;
  const SiteVerdict Verdict::*site;
};
constexpr SiteSpread sites[] = {{"q", &Verdict::query}, {"k", &Verdict::key}, {"v", &Verdict::value}};

Document verdict_of(const Context& context, const std::string& name) {
  Options options = context.options;
  options.model = name;
  const auto model = load_model({options, context.text, context.stop});
  const std::vector<TokenIds> prompts = prompts_of(options.verdict, *model);
  const std::vector<PromptVerdict> found = verdicts(
      model, prompts, options.lambda,
      [&](std::size_t done) {
        tell_line(done == prompts.size() ? ""
                                         : model->card().name + ": prompt " + std::to_string(done + 1) +
                                               " of " + std::to_string(prompts.size()));
      },
      context.stop);
  const bool rope = found.front().verdict.rope;
  const auto concentrated =
      std::ranges::count_if(found, [](const PromptVerdict& prompt) { return prompt.verdict.concentrated; });
  Document document{{"model", model->card().name},
                    {"prompts", found.size()},
                    {"rope", rope},
                    {"concentrated", concentrated}};
  Table table({{"site", false}, {"massive"}, {"low-frequency half, %"}, {"heads with one, %"}, {"stripes"}});
  for (const auto& [site, of] : sites) {
    const auto about = [of = of](const auto& value) {
      return [of, value](const PromptVerdict& prompt) { return value(prompt.verdict.*of); };
    };
    const Spread count =
        spread(found, about([](const SiteVerdict& v) { return static_cast<double>(v.count.massive); }));
    const Spread low = spread(found, about([](const SiteVerdict& v) {
                                return share(v.count.low_frequency_half, v.count.massive);
                              }));
    const Spread heads =
        spread(found, about([](const SiteVerdict& v) { return share(v.heads_with, v.heads); }));
    const Spread stripes =
        spread(found, about([](const SiteVerdict& v) { return static_cast<double>(v.stripes.size()); }));
    document[site] = {{"massive", to_json(count)},
                      {"low_frequency_half", rope ? to_json(low) : Document(nullptr)},
                      {"heads", to_json(heads)},
                      {"stripes", to_json(stripes)}};
    table.add(
        {site, text(count, 1, 1), rope ? text(low, 100, 1) : "-", text(heads, 100, 1), text(stripes, 1, 1)});
  }
  const Spread linked =
      spread(found, [](const PromptVerdict& p) { return share(p.links.linked, p.links.key_values); });
  const Spread chance = spread(found, [](const PromptVerdict& p) {
    return p.links.expected_linked / static_cast<double>(p.links.key_values);
  });
  document["linked"] = {{"share", to_json(linked)}, {"by_chance", to_json(chance)}};
  context.text << model->card().name << ": RoPE " << (rope ? "yes" : "no") << "; concentrated on "
               << concentrated << " of " << found.size() << " prompts\n";
  table.print(context.text);
  context.text << "Massive values of K with one of a query head that reads them on the same rotary pair: "
               << text(linked, 100, 1) << " %, by chance " << fixed(100 * chance.mean, 1) << " %\n\n";
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
