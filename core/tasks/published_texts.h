#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/base/capture.h"
#include "core/tasks/activation_experiments.h"
#include "core/tasks/corpus_sequences.h"

namespace qkscope {

struct ModelCard;

/// Results as the program of arXiv 2503.22329 (github.com/bluorion-com/refine_massive_activations) lays out
/// its text files, so that what reads those reads these. Layers are counted from 0 there; numbers, lists and
/// texts are Python's.

/// config.txt. Logits: whether attention is shown before softmax.
std::string published_config(const ModelCard& model, Site site, const CorpusChoice& choice, bool logits);

/// check_has_massive_activations.txt: the layers that are massive, with the mean of their largest |h|.
std::string published_existence(const std::string& model, const std::vector<LayerExistence>& layers);

/// verify_massive_activations_location_and_magnitude.txt. A sequence without a massive activation is left
/// out, as there. `piece`: the text of the token at a position of a sequence.
std::string published_tokens(const MassiveTokens& found,
                             const std::function<std::string(std::size_t sequence, int position)>& piece);

/// output_feature_tokenwise.txt: the layers of one run.
std::string published_sentence(const Capture& capture, const ActivationStudy& study);

/// intervention_analysis/results_ppl.txt: of the arms that were published.
std::string published_perplexities(const std::vector<InterventionResult>& arms);

/// intervention_analysis/ARM_ppl/DATASET_startingtoken.txt, or of the other tokens: what `edit`, a published
/// one, writes over what. Empty where there is nothing to write.
std::string published_resets(const ActivationEdit& edit, const std::vector<MassiveOriginals>& sequences,
                             bool start);

}  // namespace qkscope
