#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "app/cli/command.h"
#include "app/cli/output.h"
#include "app/cli/prompt.h"
#include "core/analysis/attention_sinks.h"
#include "core/analysis/logit_parts.h"
#include "core/analysis/magnitudes.h"
#include "core/analysis/massive_impact.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/run/runner.h"
#include "core/tasks/activation_experiments.h"
#include "core/tasks/activation_tables.h"
#include "core/tasks/identity.h"
#include "core/tasks/published_texts.h"

namespace qkscope::cli {

namespace {

struct Study {
  const Context& context;
  std::shared_ptr<const LanguageModel> model;
  Runner runner;
  ActivationStudy asked;
  SequenceStore known;
  std::map<std::string, std::string> texts;  // of --out FOLDER beside JSON and table, by their paths there

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
    known = SequenceStore(options().keep, computed_by(model->card()));
  }

  const ActivationOptions& options() const { return context.options.activations; }
  const CorpusChoice& drawn() const { return options().drawn; }
  bool bos() const { return drawn().bos; }
  TokenIds sentence() const { return sequence_of(model->tokenizer(), bos(), options().sentence); }
  std::vector<TokenIds> sequences(const std::string& file) const {
    return sequences_of(model->tokenizer(), drawn(), file, context.stop);
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

std::string bos_text(const Study& study) {
  return study.bos() ? "BOS in front" : "without BOS";
}

Document numbers(const std::vector<double>& list) {
  Document json = Document::array();
  for (const double number : list)
    json.push_back(std::isfinite(number) ? Document(number) : Document(nullptr));
  return json;
}

Document magnitude(Study& study) {
  RunRequest request;
  request.prompt = study.sentence();
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
  study.context.text << request.prompt.size() << " tokens, " << bos_text(study) << "\n";
  study.texts["output_feature_tokenwise.txt"] = published_sentence(run->capture, study.asked);
  return to_json(magnitudes_of(run->capture, study.asked.site, study.bos(), request.prompt));
}

Document existence(Study& study) {
  const std::vector<TokenIds> sequences = study.corpus();
  Table table({{"layer"}, {"max |h|"}, {"median"}, {"massive", false}});
  const std::vector<LayerExistence> found = layer_existence(
      study.runner, sequences, study.asked, study.options().as_float16, study.care("existence"));
  study.texts["check_has_massive_activations.txt"] = published_existence(study.model->card().name, found);
  for (const LayerExistence& layer : found) {
    table.add({std::to_string(layer.layer + 1), fixed(layer.max, 2), fixed(layer.median, 4),
               layer.massive ? "yes" : "no"});
  }
  table.print(study.context.text);
  study.context.text << "means over " << sequences.size() << " sequences, " << bos_text(study) << "\n";
  return {{"bos", study.bos()}, {"sequences", sequences.size()}, {"layers", existence_rows(found)}};
}

MassiveTokens tokens_of(Study& study, const std::vector<TokenIds>& sequences) {
  MassiveTokens found = massive_tokens(study.runner, sequences, study.asked, study.care("tokens"));
  study.texts["verify_massive_activations_location_and_magnitude.txt"] =
      published_tokens(found, [&](std::size_t sequence, int position) {
        const int id = sequences[sequence][static_cast<std::size_t>(position)];
        return study.model->tokenizer().decode({&id, 1});
      });
  return found;
}

Document tokens(Study& study) {
  const std::vector<TokenIds> sequences = study.corpus();
  const MassiveTokens found = tokens_of(study, sequences);
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

/// What every arm that is published changes in a data set, for --out FOLDER.
void tell_resets(Study& study, const std::vector<InterventionResult>& arms, const std::string& dataset,
                 const std::vector<TokenIds>& sequences) {
  const ActivationEdit& written = *arms[1].arm.edits.front().activations();
  const std::vector<MassiveOriginals> originals =
      original_values(study.runner, sequences, study.asked, written.layers.front(), written.dims,
                      study.care(dataset + ", original values"));
  for (const auto& [arm, perplexities] : arms) {
    if (arm.published.empty() || arm.edits.empty()) continue;
    for (const bool start : {true, false}) {
      std::string text = published_resets(*arm.edits.front().activations(), originals, start);
      const std::string name =
          arm.published + "_ppl/" + dataset + (start ? "_startingtoken.txt" : "_nonstartingtoken.txt");
      if (!text.empty()) study.texts["intervention_analysis/" + name] = std::move(text);
    }
  }
}

Document intervention(Study& study) {
  const MassiveTokens found = tokens_of(study, study.corpus());
  if (found.first_layer < 0) {
    throw Error(
        "No sequence of the corpus has a massive activation: there is nothing to intervene on; lower "
        "--over or --times, or try --bos on");
  }
  std::vector<InterventionResult> results;
  for (InterventionArm& arm : intervention_arms(found, study.asked)) results.push_back({std::move(arm), {}});
  for (const std::string& file :
       study.options().tests.empty() ? study.options().corpora : study.options().tests) {
    const std::vector<TokenIds> sequences = study.sequences(file);
    const std::string dataset = dataset_name(file);
    for (auto& [arm, perplexities] : results) {
      perplexities.emplace_back(
          dataset, perplexity_of(study.runner, sequences, arm.edits, study.care(dataset + ", " + arm.name)));
    }
    if (study.options().folder) tell_resets(study, results, dataset, sequences);
  }
  study.texts["intervention_analysis/results_ppl.txt"] = published_perplexities(results);
  const Document document = intervention_json(results);
  std::vector<Table::Column> columns = {{"perplexity", false}};
  for (const auto& [dataset, value] : document["original"].items()) columns.push_back({dataset});
  Table table(columns);
  for (const auto& [name, values] : document.items()) {
    std::vector<std::string> row = {name};
    for (const auto& [dataset, value] : values.items()) row.push_back(fixed(value.get<double>(), 2));
    table.add(row);
  }
  table.print(study.context.text);
  const double times = impact_times(results).value_or(1);
  study.context.text << "impact " << impact_name(impact_of(times))
                     << ": zeros multiply the perplexity by up to "
                     << number_text(std::round(100 * times) / 100) << " (over " << number_text(high_impact)
                     << " high, over " << number_text(medium_impact) << " medium)\n";
  study.context.text << "at the output of layer " << found.first_layer + 1 << ", dims";
  for (const int dim : found.dims) study.context.text << " " << dim;
  study.context.text << ", " << bos_text(study) << "\n";
  return document;
}

Document attention(Study& study) {
  RunRequest request;
  request.prompt = study.sentence();
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
                     << bos_text(study) << "\n";
  return {{"bos", study.bos()}, {"ids", request.prompt}, {"layers", layers}};
}

}  // namespace

std::string activations_csv(const Context& context, const Document& document) {
  return qkscope::activations_csv(context.options.activations.experiment, document);
}

Document run_activations(const Context& context) {
  static const std::map<std::string, Document (*)(Study&)> experiments = {{"magnitude", magnitude},
                                                                          {"existence", existence},
                                                                          {"tokens", tokens},
                                                                          {"intervention", intervention},
                                                                          {"attention", attention}};
  Study study(context);
  const std::string& experiment = study.options().experiment;
  const Document document = experiments.at(experiment)(study);
  if (!study.options().folder) return document;
  study.texts[experiment + ".json"] = json_text(document);
  study.texts[experiment + ".csv"] = qkscope::activations_csv(experiment, document);
  study.texts["config.txt"] =
      published_config(study.model->card(), study.asked.site, study.drawn(), /*logits=*/false);
  const std::filesystem::path folder = context.options.out;
  for (const auto& [name, text] : study.texts) {
    const std::filesystem::path path = folder / name;
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    if (problem) {
      throw Error("The folder " + in_quotes(path.parent_path().string()) + " cannot be made (" +
                  problem.message() + "); give another one with --out");
    }
    write_whole(path, text);
  }
  return document;
}

}  // namespace qkscope::cli
