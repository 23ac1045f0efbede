#include "core/run/run.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qkscope {

namespace {

/// `layers` of one side, wanted for `sites`, joined by those of the other side. Empty layers mean all, unless
/// there is no site they were wanted for.
void join_layers(std::vector<int>& layers, bool wanted, const std::vector<int>& others, bool others_wanted) {
  if (!others_wanted) return;
  if (!wanted) {
    layers = others;
  } else if (layers.empty() || others.empty()) {
    layers.clear();
  } else {
    layers.insert(layers.end(), others.begin(), others.end());
    std::ranges::sort(layers);
    layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  }
}

}  // namespace

Needs& Needs::operator|=(const Needs& other) {
  join_layers(layers, !norms.empty(), other.layers, !other.norms.empty());
  join_layers(value_layers, !values.empty(), other.value_layers, !other.values.empty());
  norms.insert(other.norms.begin(), other.norms.end());
  values.insert(other.values.begin(), other.values.end());
  patterns.insert(other.patterns.begin(), other.patterns.end());
  row_norms.insert(other.row_norms.begin(), other.row_norms.end());
  if (other.left_out.which != LeftOut::Which::None) left_out = other.left_out;
  if (activations.sites.empty()) {
    activations = other.activations;
  } else if (!other.activations.sites.empty()) {
    activations.sites.insert(other.activations.sites.begin(), other.activations.sites.end());
    activations.rule = looser(activations.rule, other.activations.rule);
    activations.top = std::max(activations.top, other.activations.top);
    activations.every_position |= other.activations.every_position;
  }
  return *this;
}

std::optional<double> Perplexity::value() const {
  if (nll.empty()) return std::nullopt;
  return std::exp(std::accumulate(nll.begin(), nll.end(), 0.0) / static_cast<double>(nll.size()));
}

std::string_view definition_name(PerplexityDefinition definition) {
  switch (definition) {
    case PerplexityDefinition::Continuation:
      return "continuation";
    case PerplexityDefinition::Text:
      return "text";
    case PerplexityDefinition::AsPublished:
      return "as_published";
  }
  return {};
}

std::string_view definition_words(PerplexityDefinition definition) {
  switch (definition) {
    case PerplexityDefinition::Continuation:
      return "Perplexity of a fixed continuation, scored as decoding sees it: after the prompt's KV cache.";
    case PerplexityDefinition::Text:
      return "Perplexity of a text in one pass; its first token is not scored.";
    case PerplexityDefinition::AsPublished:
      return "Perplexity of the continuation with prompt and continuation in one disrupted pass, as "
             "published.";
  }
  return {};
}

}  // namespace qkscope
