#pragma once
#include <functional>
#include <stop_token>
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

/// The massive activations of several sequences.
struct MassiveTokens {
  struct Token {
    std::size_t sequence = 0;
    int position = 0;
  };
  int first_layer = -1;            // of any sequence, 0-based; -1: there is none
  std::vector<int> dims;           // of any sequence and layer, sorted
  std::vector<Token> tokens;       // those of each sequence in its own first massive layer
  double mean = 0, deviation = 0;  // of |h| over the massive activations of first_layer
  /// Signed means of `dims` over `tokens`, position 0 and the others apart, of each layer that is the first
  /// massive one of some sequence.
  std::vector<ActivationMean> means;
};
MassiveTokens massive_tokens(Runner& runner, const std::vector<TokenIds>& sequences,
                             const ActivationStudy& study, const StudyCare& care = {});

/// The published interventions: all of `found`'s dims at each sequence's own massive tokens, written at its
/// first layer. The means are those of `layer`.
ActivationEdit published_edit(const MassiveTokens& found, const ActivationStudy& study,
                              ActivationEdit::Set set, int layer = -1);

/// exp of the mean loss over all scored tokens of all sequences, each in one pass under `edits`.
double perplexity_of(Runner& runner, const std::vector<TokenIds>& sequences, const Edits& edits,
                     const StudyCare& care = {});

}  // namespace qkscope
