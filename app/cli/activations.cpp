#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "app/cli/activation_corpus.h"
#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "core/analysis/attention_sinks.h"
#include "core/analysis/logit_parts.h"
#include "core/analysis/magnitudes.h"
#include "core/analysis/massive_impact.h"
#include "core/base/wording.h"
#include "core/run/runner.h"
#include "core/tasks/activation_experiments.h"
#include "core/tasks/identity.h"

namespace qkscope::cli {

namespace {

struct Study {
  const Context& context;
  std::shared_ptr<const LanguageModel> model;
  Runner runner;
  ActivationStudy asked;
  SequenceStore known;

  explicit Study(const Context& c)
      : context(c),
        model(load_model(c)),
        runner(model),
        asked{c.options.activations.site, c.options.activations.rule, c.options.activations.top} {
    const ModelSpec& spec = model->spec();
    bool some = false;
    for (int layer = 0; layer < spec.num_layers(); ++layer) some |= spec.has_site({layer, asked.site});
    if (!some) {
      throw Error(model->card().name + " has no " + std::string(site_name(asked.site)) +
                  " in any layer; give --site resid_post");
    }
    if (options().keep.empty()) return;
    const ModelCard& card = model->card();
    known = SequenceStore(options().keep, model_identity(card.path) + " " + card.device + " " + card.dtype +
                                              " " + card.weights);
  }

  const ActivationOptions& options() const { return context.options.activations; }
  std::vector<TokenIds> sequences(const std::string& file) const {
    return sequences_of(*model, context, file);
  }
  std::vector<TokenIds> corpus() const {
    std::vector<TokenIds> all;
    for (const std::string& file : options().corpora) {
      const std::vector<TokenIds> more = sequences(file);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  std::string piece(int id) const { return model->tokenizer().piece_text(id); }
  /// Sequences that are done are told on stderr where that is a terminal.
  StudyCare care(std::string what) {
    const auto progress = [what = std::move(what)](std::size_t done, std::size_t of) {
      tell_line(done < of ? what + ", " + std::to_string(done) + " of " + std::to_string(of) + " sequences"
                          : "");
    };
    return {progress, context.stop, &known};
  }
};

std::string bos_text(const Context& context) {
  return context.options.bos == Bos::Off ? "without BOS" : "BOS in front";
}

Document numbers(const std::vector<double>& list) {
  Document json = Document::array();
  for (const double number : list)
    json.push_back(std::isfinite(number) ? Document(number) : Document(nullptr));
  return json;
}

Document magnitude(Study& study) {
  RunRequest request;
  request.prompt = sequence_of(*study.model, study.context.options, study.options().sentence);
  request.needs.activations = {{study.asked.site}, study.asked.rule, study.asked.top};
  const auto run = study.runner.run(request, {}, study.context.stop);
  Table table({{"layer"}, {"max |h|"}, {"position"}, {"token", false}, {"dim"}, {"median"}, {"massive"}});
  for (const auto& [where, summary] : run->capture.activations) {
    const ActivationAt& largest = summary.top.front();
    table.add({std::to_string(where.layer + 1), fixed(std::abs(static_cast<double>(largest.value)), 2),
               std::to_string(largest.position),
               one_line(study.piece(request.prompt[static_cast<std::size_t>(largest.position)])),
               std::to_string(largest.dim), fixed(static_cast<double>(summary.median), 4),
               std::to_string(summary.massive.size())});
  }
  table.print(study.context.text);
  study.context.text << request.prompt.size() << " tokens, " << bos_text(study.context) << "\n";
  return to_json(
      magnitudes_of(run->capture, study.asked.site, study.context.options.bos != Bos::Off, request.prompt));
}

Document existence(Study& study) {
  const std::vector<TokenIds> sequences = study.corpus();
  Document layers = Document::array();
  Table table({{"layer"}, {"max |h|"}, {"median"}, {"massive", false}});
  for (const LayerExistence& layer : layer_existence(study.runner, sequences, study.asked,
                                                     study.options().as_float16, study.care("existence"))) {
    layers.push_back({{"layer", layer.layer + 1},
                      {"max", layer.max},
                      {"median", layer.median},
                      {"massive", layer.massive}});
    table.add({std::to_string(layer.layer + 1), fixed(layer.max, 2), fixed(layer.median, 4),
               layer.massive ? "yes" : "no"});
  }
  table.print(study.context.text);
  study.context.text << "means over " << sequences.size() << " sequences, " << bos_text(study.context)
                     << "\n";
  return {
      {"bos", study.context.options.bos != Bos::Off}, {"sequences", sequences.size()}, {"layers", layers}};
}

Document tokens(Study& study) {
  const std::vector<TokenIds> sequences = study.corpus();
  const MassiveTokens found = massive_tokens(study.runner, sequences, study.asked, study.care("tokens"));
  std::map<std::pair<int, int>, int> counts;  // (position, id)
  for (const auto& token : found.tokens)
    ++counts[{token.position, sequences[token.sequence][static_cast<std::size_t>(token.position)]}];
  Document list = Document::array();
  Table table({{"position"}, {"token", false}, {"sequences"}});
  for (const auto& [token, count] : counts) {
    list.push_back({{"position", token.first}, {"piece", study.piece(token.second)}, {"count", count}});
    table.add({std::to_string(token.first), one_line(study.piece(token.second)), std::to_string(count)});
  }
  const bool any = found.first_layer >= 0;
  const std::string mean_edit =
      any ? to_option(published_edit(found, study.asked, ActivationEdit::Set::Mean, found.first_layer)) : "";
  if (any) {
    table.print(study.context.text);
    study.context.text << "\nfirst in layer " << found.first_layer + 1 << ", there " << fixed(found.mean, 2)
                       << " +- " << fixed(found.deviation, 2) << "; dims";
    for (const int dim : found.dims) study.context.text << " " << dim;
    study.context.text << "\nto set them to their means: --disrupt \"" << mean_edit << "\"\n";
  } else {
    study.context.text << "no massive activation\n";
  }
  return {{"first_layer", any ? Document(found.first_layer + 1) : Document(nullptr)},
          {"dims", found.dims},
          {"tokens", list},
          {"mean", any ? Document(found.mean) : Document(nullptr)},
          {"std", any ? Document(found.deviation) : Document(nullptr)},
          {"mean_edit", any ? Document(mean_edit) : Document(nullptr)}};
}

/// The arms by their names, the first of them without an edit.
std::vector<std::pair<std::string, Edits>> arms_of(const MassiveTokens& found, const ActivationStudy& asked) {
  using Set = ActivationEdit::Set;
  const Edit zero = published_edit(found, asked, Set::Zero);
  std::vector<std::pair<std::string, Edits>> arms = {
      {"original", {}},
      {"zero", {zero}},
      {"mean", {published_edit(found, asked, Set::Mean, found.first_layer)}},
      {"control", {control_of(zero, PickKind::Smallest)}}};
  for (const ActivationMean& mean : found.means) {
    // As published: the means of another layer, written at the first all the same.
    const std::string name = "mean_" + std::to_string(mean.layer + 1);
    if (mean.layer != found.first_layer && arms.back().first != name)
      arms.emplace_back(name, Edits{published_edit(found, asked, Set::Mean, mean.layer)});
  }
  return arms;
}

Document intervention(Study& study) {
  const MassiveTokens found = massive_tokens(study.runner, study.corpus(), study.asked, study.care("tokens"));
  if (found.first_layer < 0) {
    throw Error(
        "No sequence of the corpus has a massive activation: there is nothing to intervene on; lower "
        "--over or --times, or try --bos on");
  }
  const auto arms = arms_of(found, study.asked);
  Document document = Document::object();
  for (const auto& [name, edits] : arms) document[name] = Document::object();
  for (const std::string& file :
       study.options().tests.empty() ? study.options().corpora : study.options().tests) {
    const std::vector<TokenIds> sequences = study.sequences(file);
    std::filesystem::path dataset = std::filesystem::path(file).filename();
    while (dataset.has_extension()) dataset = dataset.stem();
    for (const auto& [name, edits] : arms) {
      document[name][dataset.string()] =
          perplexity_of(study.runner, sequences, edits, study.care(dataset.string() + ", " + name));
    }
  }
  std::vector<Table::Column> columns = {{"perplexity", false}};
  for (const auto& [dataset, value] : document["original"].items()) columns.push_back({dataset});
  Table table(columns);
  for (const auto& [name, values] : document.items()) {
    std::vector<std::string> row = {name};
    for (const auto& [dataset, value] : values.items()) row.push_back(fixed(value.get<double>(), 2));
    table.add(row);
  }
  table.print(study.context.text);
  double times = 1;
  for (const auto& [dataset, value] : document["original"].items())
    times = std::max(times, document["zero"][dataset].get<double>() / value.get<double>());
  study.context.text << "impact " << impact_name(impact_of(times))
                     << ": zeros multiply the perplexity by up to "
                     << number_text(std::round(100 * times) / 100) << " (over " << number_text(high_impact)
                     << " high, over " << number_text(medium_impact) << " medium)\n";
  study.context.text << "at the output of layer " << found.first_layer + 1 << ", dims";
  for (const int dim : found.dims) study.context.text << " " << dim;
  study.context.text << ", " << bos_text(study.context) << "\n";
  return document;
}

Document attention(Study& study) {
  RunRequest request;
  request.prompt = sequence_of(*study.model, study.context.options, study.options().sentence);
  request.needs.values = {Site::AttnPattern, Site::AttnSink, Site::Value};
  const auto run = study.runner.run(request, {}, study.context.stop);
  Document layers = Document::array();
  std::vector<Table::Column> columns = {{"layer"}};
  for (const int id : request.prompt) columns.push_back({one_line(study.piece(id))});
  Table table(columns);
  for (const auto& [where, pattern] : run->capture.values) {
    if (where.site != Site::AttnPattern) continue;
    const AttentionSpec& spec = *study.model->spec().attention(where.layer);
    const Array* values = run->capture.value(keys_layer(spec, where.layer), Site::Value);
    std::vector<double> mass, share, added;
    std::vector<std::string> row = {std::to_string(where.layer + 1)};
    for (const SinkScore& score : sink_scores(*pattern, values)) {
      mass.push_back(score.mass);
      share.push_back(score.share);
      added.push_back(score.added);
      row.push_back(fixed(score.mass, 3));
    }
    Document layer = {{"layer", where.layer + 1},
                      {"mass", numbers(mass)},
                      {"share", numbers(share)},
                      {"added", numbers(added)},
                      {"entropy", mean_entropy(*pattern)}};
    if (const Array* sink = run->capture.value(where.layer, Site::AttnSink)) {
      layer["learned_sink"] =
          std::accumulate(sink->data.begin(), sink->data.end(), 0.0) / static_cast<double>(sink->data.size());
    }
    layers.push_back(std::move(layer));
    table.add(row);
  }
  table.print(study.context.text);
  study.context.text << "attention to each token, meaned over the queries that see it and over the heads, "
                     << bos_text(study.context) << "\n";
  return {{"bos", study.context.options.bos != Bos::Off}, {"ids", request.prompt}, {"layers", layers}};
}

}  // namespace

Document run_activations(const Context& context) {
  static const std::map<std::string, Document (*)(Study&)> experiments = {{"magnitude", magnitude},
                                                                          {"existence", existence},
                                                                          {"tokens", tokens},
                                                                          {"intervention", intervention},
                                                                          {"attention", attention}};
  Study study(context);
  return experiments.at(context.options.activations.experiment)(study);
}

}  // namespace qkscope::cli
