#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/run/activation_edit.h"
#include "core/run/run.h"
#include "core/tasks/sequence_store.h"

namespace qkscope {

class Runner;

/// What the published experiments on massive activations (arXiv 2503.22329) look at.
struct ActivationStudy {
  Site site = Site::ResidPost;
  ActivationRule rule;
  int top = 3;
};

/// What accompanies a study over its sequences. Throws Cancelled where `stop` says so.
struct StudyCare {
  std::function<void(std::size_t done, std::size_t of)> progress = {};  // called after each sequence
  std::stop_token stop = {};
  SequenceStore* known = nullptr;  // what is known of each, and will be
};

/// A layer over all sequences: the mean of each sequence's largest |h| and of its lower median.
struct LayerExistence {
  int layer = 0;
  double max = 0, median = 0;
  bool massive = false;  // max > least and max >= times_median * median
};
/// `as_float16`: both means are rounded to float16 before they are compared, as published.
std::vector<LayerExistence> layer_existence(Runner& runner, const std::vector<TokenIds>& sequences,
                                            const ActivationStudy& study, bool as_float16,
                                            const StudyCare& care = {});

/// One number of a sequence that the rule takes.
struct TakenActivation {
  int layer = 0, position = 0, dim = 0;  // 0-based
  float value = 0;
};

/// The massive activations of several sequences.
struct MassiveTokens {
  struct Token {
    std::size_t sequence = 0;
    int position = 0;
  };
  int first_layer = -1;                             // of any sequence, 0-based; -1: there is none
  std::vector<int> dims;                            // of any sequence and layer, sorted
  std::vector<Token> tokens;                        // those of each sequence in its own first massive layer
  double mean = 0, deviation = 0;                   // of |h| over the massive activations of first_layer
  std::vector<std::vector<TakenActivation>> taken;  // of each sequence, by layer, position and dim
  /// Signed means of `dims` over `tokens`, position 0 and the others apart, of each layer that is the first
  /// massive one of some sequence.
  std::vector<ActivationMean> means;
};
MassiveTokens massive_tokens(Runner& runner, const std::vector<TokenIds>& sequences,
                             const ActivationStudy& study, const StudyCare& care = {});

/// A token and dim that is massive in the first massive layer of some sequences.
struct MassivePlace {
  int layer = 0, position = 0, id = 0, dim = 0;  // 0-based
  int count = 0;                                 // sequences
  double mean = 0, deviation = 0;                // of |h| over them
  bool operator==(const MassivePlace&) const = default;
};
/// By layer, position, id and dim.
std::vector<MassivePlace> massive_places(const MassiveTokens& found, const std::vector<TokenIds>& sequences);

/// The published interventions: all of `found`'s dims at each sequence's own massive tokens, written at its
/// first layer. The means are those of `layer`.
ActivationEdit published_edit(const MassiveTokens& found, const ActivationStudy& study,
                              ActivationEdit::Set set, int layer = -1);

/// One way to run the data sets of the published interventions.
struct InterventionArm {
  std::string name;  // "zero"; "mean_4": the means of layer 4, counted from 1
  std::string
      published;  // as the published program calls it, layers from 0: "set_to_mean_3"; empty: it has none
  Edits edits;
};
/// `original` without an edit, `zero`, `mean`: those of the first layer, `control`: as many of median size
/// set to zero, then `mean_L` for every other layer that is some sequence's first. There has to be a first
/// layer.
std::vector<InterventionArm> intervention_arms(const MassiveTokens& found, const ActivationStudy& study);

/// An arm with the perplexity of each data set, by its name, as far as they are known.
struct InterventionResult {
  InterventionArm arm;
  std::vector<std::pair<std::string, double>> perplexities{};
};
/// By how many times zeros multiply the perplexity of the data set that grows most; nothing as long as none
/// has both.
std::optional<double> impact_times(const std::vector<InterventionResult>& arms);

/// What a sequence has at its massive tokens, those of its own first massive layer.
struct MassiveOriginals {
  std::vector<int> positions;
  std::vector<std::vector<float>> values;  // (position, dim)
};
/// At `layer`, of `dims`, for each sequence.
std::vector<MassiveOriginals> original_values(Runner& runner, const std::vector<TokenIds>& sequences,
                                              const ActivationStudy& study, int layer,
                                              const std::vector<int>& dims, const StudyCare& care = {});

/// exp of the mean loss over all scored tokens of all sequences, each in one pass under `edits`.
double perplexity_of(Runner& runner, const std::vector<TokenIds>& sequences, const Edits& edits,
                     const StudyCare& care = {});

}  // namespace qkscope
