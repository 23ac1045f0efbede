#include "core/run/activation_experiments.h"

#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/base/error.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

RunRequest request_of(const TokenIds& sequence, const ActivationStudy& study) {
  RunRequest request;
  request.prompt = sequence;
  request.needs.activations = {{study.site}, study.rule, study.top};
  return request;
}

void tell(const StudyProgress& progress, std::size_t done, std::size_t of) {
  if (progress) progress(done, of);
}

double rounded(double value, bool as_float16) {
  return as_float16 ? static_cast<double>(static_cast<float>(c10::Half(static_cast<float>(value)))) : value;
}

struct Sum {
  double sum = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  std::optional<float> mean() const {
    return count > 0 ? std::optional<float>(static_cast<float>(sum / count)) : std::nullopt;
  }
};

/// The residual stream at one massive token of a sequence, in the sequence's first massive layer.
struct TokenValues {
  int layer = 0, position = 0;
  std::vector<float> values;  // (C)
};

std::vector<ActivationMean> means_of(const std::vector<TokenValues>& tokens, const std::vector<int>& dims) {
  std::map<std::pair<int, int>, std::pair<Sum, Sum>> sums;  // (layer, dim): at the start, elsewhere
  for (const TokenValues& token : tokens) {
    for (const int dim : dims) {
      auto& [start, other] = sums[{token.layer, dim}];
      (token.position == 0 ? start : other)
          .add(static_cast<double>(token.values[static_cast<std::size_t>(dim)]));
    }
  }
  std::vector<ActivationMean> means;
  for (const auto& [place, both] : sums)
    means.push_back({place.first, place.second, both.first.mean(), both.second.mean()});
  return means;
}

}  // namespace

std::vector<LayerExistence> layer_existence(Runner& runner, const std::vector<TokenIds>& sequences,
                                            const ActivationStudy& study, bool as_float16,
                                            const StudyProgress& progress, std::stop_token stop) {
  std::map<int, LayerExistence> layers;
  const auto share = 1.0 / static_cast<double>(sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto run = runner.run(request_of(sequences[i], study), {}, stop);
    for (const auto& [where, summary] : run->capture.activations) {
      if (where.site != study.site) continue;
      LayerExistence& layer = layers[where.layer];
      layer.max += share * std::abs(static_cast<double>(summary.top.front().value));
      layer.median += share * static_cast<double>(summary.median);
    }
    tell(progress, i + 1, sequences.size());
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
                             const ActivationStudy& study, const StudyProgress& progress,
                             std::stop_token stop) {
  MassiveTokens found;
  std::set<int> dims;
  std::map<int, std::vector<double>> sizes;  // of the massive activations of each layer
  std::vector<TokenValues> values;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    RunRequest request = request_of(sequences[i], study);
    const auto run = runner.run(request, {}, stop);
    int first = -1;
    std::set<int> positions;
    for (const auto& [where, summary] : run->capture.activations) {
      const std::vector<ActivationAt> massive = summary.taken_by(study.rule);
      if (where.site != study.site || massive.empty()) continue;
      if (first < 0) first = where.layer;
      for (const ActivationAt& a : massive) {
        dims.insert(a.dim);
        sizes[where.layer].push_back(std::abs(static_cast<double>(a.value)));
        if (where.layer == first) positions.insert(a.position);
      }
    }
    if (first >= 0) {
      request.needs.values = {study.site};
      request.needs.value_layers = {first};
      const auto again = runner.run(request, {}, stop);  // that layer alone
      const Array& residual = *again->capture.value(first, study.site);
      for (const int position : positions) {
        found.tokens.push_back({i, position});
        const auto row = residual.data.begin() + position * residual.size(1);
        values.push_back({first, position, {row, row + residual.size(1)}});
      }
    }
    tell(progress, i + 1, sequences.size());
  }
  found.dims.assign(dims.begin(), dims.end());
  if (sizes.empty()) return found;
  const auto& [first_layer, first_sizes] = *sizes.begin();
  found.first_layer = first_layer;
  const auto count = static_cast<double>(first_sizes.size());
  found.mean = std::accumulate(first_sizes.begin(), first_sizes.end(), 0.0) / count;
  double squares = 0;
  for (const double size : first_sizes) squares += (size - found.mean) * (size - found.mean);
  found.deviation = std::sqrt(squares / count);
  found.means = means_of(values, found.dims);
  return found;
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

double perplexity_of(Runner& runner, const std::vector<TokenIds>& sequences, const Edits& edits,
                     const StudyProgress& progress, std::stop_token stop) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    RunRequest request;
    request.prompt = sequences[i];
    request.edits = edits;
    request.score_prompt = true;
    const auto run = runner.run(request, {}, stop);
    const std::vector<float>& nll = run->prompt_text->nll;
    sum = std::accumulate(nll.begin(), nll.end(), sum);
    count += nll.size();
    tell(progress, i + 1, sequences.size());
  }
  if (count == 0) throw Error("No token can be scored: the sequences are too short; give a longer context.");
  return std::exp(sum / static_cast<double>(count));
}

}  // namespace qkscope
