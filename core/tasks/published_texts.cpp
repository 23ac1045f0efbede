#include "core/tasks/published_texts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/io/python_text.h"
#include "core/model/language_model.h"
#include "core/tasks/statistics.h"

namespace qkscope {

namespace {

/// Keys in the order in which they came, as a Python dict keeps them.
template <typename Value>
class Ordered {
 public:
  Value& operator[](int key) {
    const auto found = std::ranges::find(items_, key, &std::pair<int, Value>::first);
    return found != items_.end() ? found->second : items_.emplace_back(key, Value{}).second;
  }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<int, Value>> items_;
};

/// "{0: ..., 30: ...}"
template <typename Items, typename Text>
std::string dict(const Items& items, const Text& text) {
  std::string result = "{";
  for (const auto& [key, value] : items)
    result += (result.size() > 1 ? ", " : "") + std::to_string(key) + ": " + text(value);
  return result + "}";
}

double magnitude(float value) {
  return std::abs(static_cast<double>(value));
}

std::string rule_of(char character) {
  std::string rule(50, character);
  rule += '\n';
  return rule;
}

const char* boolean(bool value) {
  return value ? "True" : "False";
}

using Magnitudes = std::map<int, std::map<int, double>>;  // token position, dim

std::string datum(std::size_t number, const std::vector<TakenActivation>& taken,
                  const std::function<std::string(int)>& piece) {
  std::map<int, Magnitudes> layers;
  for (const TakenActivation& t : taken) layers[t.layer][t.position][t.dim] = magnitude(t.value);
  std::vector<int> numbers;
  for (const auto& [layer, magnitudes] : layers) numbers.push_back(layer);
  std::string text =
      "Datum " + std::to_string(number) + "\nLayers with Massive Activations: " + python_text(numbers) + "\n";
  for (const auto& [layer, magnitudes] : layers) {
    std::vector<int> positions;
    std::map<int, std::string> tokens;
    std::set<int> dims;
    for (const auto& [position, own] : magnitudes) {
      positions.push_back(position);
      tokens[position] = piece(position);
      for (const auto& [dim, size] : own) dims.insert(dim);
    }
    text += "Layer " + std::to_string(layer) +
            "\nToken Positions with Massive Activations: " + python_text(positions) +
            "\nAssociated Tokens with Massive Activations: " +
            dict(tokens, [](const std::string& token) { return python_text(token); }) +
            "\nEmbedding Position with Massive Activations:\n----- Position: " +
            python_text(std::vector<int>(dims.begin(), dims.end())) + "\n----- Magnitude: " +
            dict(magnitudes,
                 [](const auto& own) { return dict(own, [](double size) { return python_text(size); }); }) +
            "\n" + rule_of('*');
  }
  return text + rule_of('*') + "\n";
}

std::string summary(const MassiveTokens& found, const Ordered<std::set<std::string>>& unique) {
  std::string text =
      rule_of('=') + "Summary\nFirst Layer with Massive Activations: " +
      (found.first_layer < 0 ? "inf" : std::to_string(found.first_layer)) +
      "\nEmbedding Position with Massive Activations in First Layer: " + python_text(found.dims) +
      "\nMassive Activation Magnitude in First Layer:\n";
  Ordered<Ordered<std::vector<double>>> sizes;
  for (const auto& sequence : found.taken) {
    for (const TakenActivation& t : sequence) {
      if (t.layer == found.first_layer) sizes[t.position][t.dim].push_back(magnitude(t.value));
    }
  }
  for (const auto& [position, dims] : sizes) {
    text += "-- Token Position " + std::to_string(position) + "\n";
    for (const auto& [dim, list] : dims) {
      const auto [mean, deviation] = mean_and_deviation(list);
      text += "---- Position " + std::to_string(dim) + " | Avg: " + python_text(mean) +
              ", Std: " + python_text(deviation) + "\n";
    }
  }
  const auto tokens = [](const std::set<std::string>& list) {
    std::string set = "{";
    for (const std::string& token : list) set += (set.size() > 1 ? ", " : "") + python_text(token);
    return set + "}";
  };
  return text + "Unique Tokens (with the Relative Position) with Massive Activations in All Layers: " +
         dict(unique, tokens) + "\n";
}

}  // namespace

std::string published_config(const ModelCard& model, Site site, const CorpusChoice& choice, bool logits) {
  // The names of the parameters tell the names of the modules.
  const ParameterTable& names = model.spec.parameters;
  const std::string layers = names.prefixes.front() + names.layer;
  const auto query = names.stored.find(Role::Query);
  const std::string attention = query == names.stored.end() ? "None"
                                                            : query->second.front().name.substr(
                                                                  0, query->second.front().name.find('.'));
  return "Model: " + model.name + "\nModel Path: " + model.path.string() +
         "\nModule Name: " + (site == Site::ResidPost ? "layer" : std::string(site_name(site))) +
         "\nLayer Path: " + layers.substr(0, layers.find(".{layer}")) + "\nAttention Path: " + attention +
         "\nContext Length: " + std::to_string(choice.context_length) +
         "\nNumber of Samples: " + std::to_string(choice.sequences) +
         "\nAdd BOS Token: " + boolean(choice.bos) + "\nShow Logits: " + boolean(logits) +
         "\nSeed: " + std::to_string(choice.seed) + "\n";
}

std::string published_existence(const std::string& model, const std::vector<LayerExistence>& layers) {
  std::string text = "Model: " + model + "\nLocation & Value of Massive Activations\n" + rule_of('=');
  for (const LayerExistence& layer : layers) {
    if (layer.massive) text += "Layer-" + std::to_string(layer.layer) + ": " + python_text(layer.max) + "\n";
  }
  return text;
}

std::string published_tokens(const MassiveTokens& found,
                             const std::function<std::string(std::size_t sequence, int position)>& piece) {
  std::string text;
  Ordered<std::set<std::string>> unique;
  std::size_t number = 0;
  for (std::size_t i = 0; i < found.taken.size(); ++i) {
    if (found.taken[i].empty()) continue;
    const auto own = [&](int position) { return piece(i, position); };
    text += datum(number++, found.taken[i], own);
    for (const TakenActivation& t : found.taken[i]) unique[t.position].insert(own(t.position));
  }
  return text + summary(found, unique);
}

std::string published_sentence(const Capture& capture, const ActivationStudy& study) {
  std::string text;
  for (const auto& [where, summary] : capture.activations) {
    if (where.site != study.site) continue;
    text += "Layer-" + std::to_string(where.layer) +
            " | Max Activation: " + python_text(magnitude(summary.top.front().value)) + "\n";
    std::set<int> positions;
    std::vector<int> dims;  // in the order of the positions
    for (const ActivationAt& a : summary.taken_by(study.rule)) {
      positions.insert(a.position);
      if (std::ranges::find(dims, a.dim) == dims.end()) dims.push_back(a.dim);
    }
    text += dims.empty() ? "No massive activations found in this layer.\n"
                         : "Token Positions with Massive Activations: " +
                               python_text(std::vector<int>(positions.begin(), positions.end())) +
                               "\nMassive Activation Positions in Embedding: " + python_text(dims) + "\n";
  }
  return text;
}

std::string published_perplexities(const std::vector<InterventionResult>& arms) {
  std::string text = "Perplexity Results\n";
  for (const auto& [arm, perplexities] : arms) {
    if (arm.published.empty()) continue;
    text += arm.published + "\n";
    for (const auto& [dataset, perplexity] : perplexities)
      text += dataset + ": " + python_text(perplexity) + "\n";
    text += "\n";
  }
  return text;
}

std::string published_resets(const ActivationEdit& edit, const std::vector<MassiveOriginals>& sequences,
                             bool start) {
  const auto value_of = [&](int dim) -> std::optional<double> {
    if (edit.set != ActivationEdit::Set::Mean) return edit.set == ActivationEdit::Set::Zero ? 0 : edit.value;
    const auto mean = std::ranges::find(edit.means, dim, &ActivationMean::dim);
    if (mean == edit.means.end()) return std::nullopt;
    const std::optional<float>& own = start ? mean->start : mean->other;
    return own ? std::optional(static_cast<double>(*own)) : std::nullopt;
  };
  std::string text;
  for (const MassiveOriginals& sequence : sequences) {
    std::vector<int> positions;
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < sequence.positions.size(); ++i) {
      if ((sequence.positions[i] == 0) != start) continue;
      positions.push_back(sequence.positions[i]);
      rows.push_back(i);
    }
    if (positions.empty()) continue;
    for (std::size_t d = 0; d < edit.dims.size(); ++d) {
      const std::optional<double> value = value_of(edit.dims[d]);
      if (!value) continue;
      std::vector<float> originals;
      for (const std::size_t row : rows) originals.push_back(sequence.values[row].at(d));
      text += "Resetting massive activations to " + python_text(*value) + " in layer " +
              std::to_string(edit.layers.front()) + " token_dim " + python_text(positions) + " loc " +
              std::to_string(edit.dims[d]) + ". Original Value: " + torch_text(originals) + "\n";
    }
  }
  return text;
}

}  // namespace qkscope
