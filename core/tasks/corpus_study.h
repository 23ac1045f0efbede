#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/tasks/activation_experiments.h"
#include "core/tasks/corpus_sequences.h"

namespace qkscope {

class LanguageModel;

/// The experiments over corpora, one after the other: existence and tokens of one, perplexities of several.
struct CorpusStudy {
  std::string corpus;
  std::vector<std::string> tests;  // none: the corpus
  CorpusChoice choice;
  ActivationStudy study;
  bool as_float16 = false;  // of existence's means, as published
};

/// What there is of a study at a moment.
struct CorpusFindings {
  std::size_t sequences = 0;  // of the corpus
  std::vector<LayerExistence> layers;
  bool has_tokens = false;  // `tokens` and what follows from it are there
  MassiveTokens tokens;
  std::vector<MassivePlace> places;
  std::vector<InterventionResult> arms;  // none where nothing is massive
  std::size_t done = 0, of = 0;  // sequences, of every experiment; `of` supposes as few arms as there can be
  double remaining_ms = -1;      // from the last few; below 0: not known yet
};

/// `report` is called whenever there is more, from the first sequence on. Throws Error, or Cancelled: `known`
/// then knows what is done.
void study_corpus(Runner& runner, const LanguageModel& model, const CorpusStudy& study, SequenceStore* known,
                  const std::function<void(const CorpusFindings&)>& report, std::stop_token stop = {});

}  // namespace qkscope
