#include "core/tasks/activation_experiments.h"

#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/run/runner.h"
#include "core/tasks/statistics.h"

namespace qkscope {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TakenActivation, layer, position, dim, value)

namespace {

RunRequest request_of(const TokenIds& sequence, const ActivationStudy& study) {
  RunRequest request;
  request.prompt = sequence;
  request.needs.activations = {{study.site}, study.rule, study.top};
  return request;
}

void tell(const StudyCare& care, std::size_t done, std::size_t of) {
  if (care.progress) care.progress(done, of);
}

/// What is known, or computed now and kept.
template <typename Compute>
auto answer_of(const StudyCare& care, const std::string& question, const TokenIds& sequence,
               const Compute& compute) {
  return care.known ? care.known->answer(question, sequence, compute) : compute();
}

std::string words_of(const ActivationStudy& study) {
  return std::string(site_name(study.site)) + " over " + number_text(study.rule.least) + " and " +
         number_text(study.rule.times_median) + " times the median";
}

double rounded(double value, bool as_float16) {
  return as_float16 ? static_cast<double>(static_cast<float>(c10::Half(static_cast<float>(value)))) : value;
}

/// The residual stream at one massive token of a sequence, in the sequence's first massive layer.
struct TokenValues {
  int layer = 0, position = 0;
  std::vector<float> values;  // (C)

  double at(int dim) const {
    const auto place = static_cast<std::size_t>(dim);
    if (dim < 0 || place >= values.size())
      throw Error("The sequences' results do not fit together: dim " + std::to_string(dim) + " of " +
                  std::to_string(values.size()) +
                  "; keep those of each model in a file that was not changed");
    return static_cast<double>(values[place]);
  }
};

/// All that a sequence has, and the massive tokens of its first layer that has any.
struct SequenceActivations {
  std::vector<TakenActivation> taken;  // by layer
  std::vector<TokenValues> tokens;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TokenValues, layer, position, values)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SequenceActivations, taken, tokens)

/// The site at these positions in one layer.
std::vector<TokenValues> values_at(Runner& runner, const TokenIds& sequence, const ActivationStudy& study,
                                   int layer, const std::vector<int>& positions, std::stop_token stop) {
  RunRequest request;
  request.prompt = sequence;
  request.needs.values = {study.site};
  request.needs.value_layers = {layer};
  const auto run = runner.run(request, {}, stop);
  const Array& residual = *run->capture.value(layer, study.site);
  std::vector<TokenValues> values;
  for (const int position : positions) {
    const auto row = residual.data.begin() + position * residual.size(1);
    values.push_back({layer, position, {row, row + residual.size(1)}});
  }
  return values;
}

SequenceActivations activations_of(Runner& runner, const TokenIds& sequence, const ActivationStudy& study,
                                   std::stop_token stop) {
  SequenceActivations found;
  std::set<int> positions;
  const auto run = runner.run(request_of(sequence, study), {}, stop);
  for (const auto& [where, summary] : run->capture.activations) {
    if (where.site != study.site) continue;
    for (const ActivationAt& a : summary.taken_by(study.rule)) {
      found.taken.push_back({where.layer, a.position, a.dim, a.value});
      if (where.layer == found.taken.front().layer) positions.insert(a.position);
    }
  }
  if (found.taken.empty()) return found;
  const int first = found.taken.front().layer;
  found.tokens = values_at(runner, sequence, study, first, {positions.begin(), positions.end()}, stop);
  return found;
}

SequenceActivations known_activations(Runner& runner, const TokenIds& sequence, const ActivationStudy& study,
                                      const StudyCare& care) {
  return answer_of(care, "massive activations of " + words_of(study), sequence,
                   [&] { return activations_of(runner, sequence, study, care.stop); });
}

std::vector<ActivationMean> means_of(const std::vector<TokenValues>& tokens, const std::vector<int>& dims) {
  std::map<std::pair<int, int>, std::pair<Mean, Mean>> sums;  // (layer, dim): at the start, elsewhere
  for (const TokenValues& token : tokens) {
    for (const int dim : dims) {
      auto& [start, other] = sums[{token.layer, dim}];
      (token.position == 0 ? start : other).add(token.at(dim));
    }
  }
  const auto as_float = [](const Mean& mean) {
    const auto value = mean.value();
    return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
  };
  std::vector<ActivationMean> means;
  for (const auto& [place, both] : sums)
    means.push_back({place.first, place.second, as_float(both.first), as_float(both.second)});
  return means;
}

}  // namespace

std::vector<LayerExistence> layer_existence(Runner& runner, const std::vector<TokenIds>& sequences,
                                            const ActivationStudy& study, bool as_float16,
                                            const StudyCare& care) {
  std::map<int, LayerExistence> layers;
  const auto share = 1.0 / static_cast<double>(sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    using Layer = std::tuple<int, float, float>;  // its number, largest |h| and median
    const auto found =
        answer_of(care, "largest and median of " + std::string(site_name(study.site)), sequences[i], [&] {
          std::vector<Layer> answer;
          const auto run = runner.run(request_of(sequences[i], study), {}, care.stop);
          for (const auto& [where, summary] : run->capture.activations) {
            if (where.site == study.site)
              answer.emplace_back(where.layer, std::abs(summary.top.front().value), summary.median);
          }
          return answer;
        });
    for (const auto& [number, max, median] : found) {
      LayerExistence& layer = layers[number];
      layer.max += share * static_cast<double>(max);
      layer.median += share * static_cast<double>(median);
    }
    tell(care, i + 1, sequences.size());
  }
  std::vector<LayerExistence> list;
  for (auto& [number, layer] : layers) {
    layer.layer = number;
    layer.max = rounded(layer.max, as_float16);
    layer.median = rounded(layer.median, as_float16);
    layer.massive = layer.max > study.rule.least && layer.max >= study.rule.times_median * layer.median;
    list.push_back(layer);
  }
  return list;
}

MassiveTokens massive_tokens(Runner& runner, const std::vector<TokenIds>& sequences,
                             const ActivationStudy& study, const StudyCare& care) {
  MassiveTokens found;
  std::set<int> dims;
  std::map<int, std::vector<double>> sizes;  // of the massive activations of each layer
  std::vector<TokenValues> values;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    SequenceActivations own = known_activations(runner, sequences[i], study, care);
    for (const TakenActivation& taken : own.taken) {
      dims.insert(taken.dim);
      sizes[taken.layer].push_back(std::abs(static_cast<double>(taken.value)));
    }
    for (const TokenValues& token : own.tokens) {
      found.tokens.push_back({i, token.position});
      values.push_back(token);
    }
    found.taken.push_back(std::move(own.taken));
    tell(care, i + 1, sequences.size());
  }
  found.dims.assign(dims.begin(), dims.end());
  if (sizes.empty()) return found;
  const auto& [first_layer, first_sizes] = *sizes.begin();
  found.first_layer = first_layer;
  std::tie(found.mean, found.deviation) = mean_and_deviation(first_sizes);
  found.means = means_of(values, found.dims);
  return found;
}

std::vector<MassivePlace> massive_places(const MassiveTokens& found, const std::vector<TokenIds>& sequences) {
  std::map<std::tuple<int, int, int, int>, std::vector<double>> sizes;
  for (std::size_t i = 0; i < found.taken.size(); ++i) {
    for (const TakenActivation& taken : found.taken[i]) {
      if (taken.layer != found.taken[i].front().layer) break;
      const int id = sequences[i][static_cast<std::size_t>(taken.position)];
      sizes[{taken.layer, taken.position, id, taken.dim}].push_back(
          std::abs(static_cast<double>(taken.value)));
    }
  }
  std::vector<MassivePlace> places;
  for (const auto& [place, own] : sizes) {
    const auto& [layer, position, id, dim] = place;
    const auto [mean, deviation] = mean_and_deviation(own);
    places.push_back({layer, position, id, dim, static_cast<int>(own.size()), mean, deviation});
  }
  return places;
}

ActivationEdit published_edit(const MassiveTokens& found, const ActivationStudy& study,
                              ActivationEdit::Set set, int layer) {
  ActivationEdit edit;
  edit.site = study.site;
  edit.scope = ActivationEdit::Scope::Published;
  edit.layers = {found.first_layer};
  edit.rule = study.rule;
  edit.dims = found.dims;
  edit.set = set;
  if (set != ActivationEdit::Set::Mean) return edit;
  for (ActivationMean mean : found.means) {
    if (mean.layer != layer) continue;
    mean.layer = ActivationMean::every;
    edit.means.push_back(mean);
  }
  return edit;
}

std::vector<InterventionArm> intervention_arms(const MassiveTokens& found, const ActivationStudy& study) {
  using Set = ActivationEdit::Set;
  const Edit zero = published_edit(found, study, Set::Zero);
  const auto mean = [&](std::string name, int layer) {
    return InterventionArm{std::move(name),
                           "set_to_mean_" + std::to_string(layer),
                           {published_edit(found, study, Set::Mean, layer)}};
  };
  std::vector<InterventionArm> arms = {{"original", "original", {}},
                                       {"zero", "set_to_zero", {zero}},
                                       mean("mean", found.first_layer),
                                       {"control", "", {control_of(zero, PickKind::Smallest)}}};
  std::set<int> layers;
  for (const ActivationMean& one : found.means) layers.insert(one.layer);
  layers.erase(found.first_layer);
  // As published: the means of another layer, written at the first all the same.
  for (const int layer : layers) arms.push_back(mean("mean_" + std::to_string(layer + 1), layer));
  return arms;
}

std::optional<double> impact_times(const std::vector<InterventionResult>& arms) {
  const auto of = [&](std::string_view name) -> const std::vector<std::pair<std::string, double>>* {
    const auto found = std::ranges::find(
        arms, name, [](const InterventionResult& result) -> const std::string& { return result.arm.name; });
    return found == arms.end() ? nullptr : &found->perplexities;
  };
  const auto *original = of("original"), *zero = of("zero");
  std::optional<double> times;
  for (std::size_t i = 0; original && zero && i < std::min(original->size(), zero->size()); ++i)
    times = std::max(times.value_or(0), (*zero)[i].second / (*original)[i].second);
  return times;
}

std::vector<MassiveOriginals> original_values(Runner& runner, const std::vector<TokenIds>& sequences,
                                              const ActivationStudy& study, int layer,
                                              const std::vector<int>& dims, const StudyCare& care) {
  std::vector<MassiveOriginals> all;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    SequenceActivations own = known_activations(runner, sequences[i], study, care);
    MassiveOriginals originals;
    for (const TokenValues& token : own.tokens) originals.positions.push_back(token.position);
    if (!own.tokens.empty() && own.tokens.front().layer != layer)
      own.tokens = values_at(runner, sequences[i], study, layer, originals.positions, care.stop);
    for (const TokenValues& token : own.tokens) {
      std::vector<float>& row = originals.values.emplace_back();
      for (const int dim : dims) row.push_back(static_cast<float>(token.at(dim)));
    }
    all.push_back(std::move(originals));
    tell(care, i + 1, sequences.size());
  }
  return all;
}

double perplexity_of(Runner& runner, const std::vector<TokenIds>& sequences, const Edits& edits,
                     const StudyCare& care) {
  std::string question = "loss";
  for (const Edit& edit : edits) question += " under " + to_text(edit);
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto [own_sum, own_count] = answer_of(care, question, sequences[i], [&] {
      RunRequest request;
      request.prompt = sequences[i];
      request.edits = edits;
      request.score_prompt = true;
      const auto run = runner.run(request, {}, care.stop);
      const std::vector<float>& nll = run->prompt_text->nll;
      return std::pair(std::accumulate(nll.begin(), nll.end(), 0.0), std::ssize(nll));
    });
    sum += own_sum;
    count += own_count;
    tell(care, i + 1, sequences.size());
  }
  if (count == 0) throw Error("No token can be scored: the sequences are too short; give a longer context.");
  return std::exp(sum / static_cast<double>(count));
}

}  // namespace qkscope
