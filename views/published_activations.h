#pragma once
#include <QString>
#include <optional>
#include <vector>

#include "core/analysis/massive_impact.h"
#include "views/plot_style.h"

namespace qkscope {

/// What was published of one model, with or without BOS in front of every sequence: a row of
/// datasets/published/massive_activations.json, whose `about` says how it was measured.
struct PublishedActivations {
  QString model, architecture;  // "Llama-2-7b-hf", as config.json names it
  int num_layers = 0;
  bool bos = true;
  int context_length = 0;
  std::vector<int> layers;  // with massive activations, from 1
  double largest = 0;       // 0: none
  std::vector<int> dims;    // told with BOS alone
  /// Perplexities of WikiText-2, C4 and PG-19: as it is, and with massive activations at zero and at their
  /// mean. `mean` is empty where there are none.
  std::vector<double> original, zero, mean;

  /// By the data set whose perplexity grows most.
  MassiveImpact impact() const;
};

const std::vector<PublishedActivations>& publishedActivations();
/// "high", "medium", "none"; and purple, orange and green, as the poster has them, always with the word.
QString impactWords(MassiveImpact impact);
QColor impactColor(const PlotStyle& style, MassiveImpact impact);

/// Whether two names of architectures are of one family: "Gemma3ForCausalLM",
/// "Gemma3ForConditionalGeneration".
bool sameFamily(const QString& a, const QString& b);

}  // namespace qkscope
