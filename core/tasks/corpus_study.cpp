#include "core/tasks/corpus_study.h"

#include <chrono>
#include <deque>
#include <numeric>

#include "core/model/language_model.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

constexpr std::size_t least_arms = 4, remembered = 8;

/// Counts sequences, and reckons what is left by the last few.
class Steps {
 public:
  Steps(CorpusFindings& findings, const std::function<void(const CorpusFindings&)>& report)
      : findings_(findings), report_(report) {}

  /// One experiment more, over so many sequences.
  StudyCare care(std::size_t sequences, SequenceStore* known, std::stop_token stop) {
    return {[this, before = before_, sequences](std::size_t done, std::size_t) {
              count(before + done);
              if (done == sequences) before_ = findings_.done;
            },
            stop, known};
  }

 private:
  using Clock = std::chrono::steady_clock;
  void count(std::size_t done) {
    const Clock::time_point now = Clock::now();
    took_.push_back(std::chrono::duration<double, std::milli>(now - last_).count());
    last_ = now;
    if (took_.size() > remembered) took_.pop_front();
    findings_.done = done;
    const double mean = std::accumulate(took_.begin(), took_.end(), 0.0) / static_cast<double>(took_.size());
    findings_.remaining_ms = mean * static_cast<double>(findings_.of - std::min(findings_.of, done));
    report_(findings_);
  }

  CorpusFindings& findings_;
  const std::function<void(const CorpusFindings&)>& report_;
  std::size_t before_ = 0;
  std::deque<double> took_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

void study_corpus(Runner& runner, const LanguageModel& model, const CorpusStudy& study, SequenceStore* known,
                  const std::function<void(const CorpusFindings&)>& report, std::stop_token stop) {
  const auto read = [&](const std::string& file) {
    return sequences_of(model.tokenizer(), study.choice, file, stop);
  };
  const std::vector<TokenIds> sequences = read(study.corpus);
  // Read before the first pass, so that a file that is none is told at once.
  std::vector<std::pair<std::string, std::vector<TokenIds>>> tests;
  for (const std::string& file : study.tests) tests.emplace_back(dataset_name(file), read(file));
  if (tests.empty()) tests.emplace_back(dataset_name(study.corpus), sequences);
  std::size_t scored = 0;
  for (const auto& [name, own] : tests) scored += own.size();

  CorpusFindings found;
  found.sequences = sequences.size();
  found.of = 2 * sequences.size() + least_arms * scored;
  Steps steps(found, report);
  found.layers = layer_existence(runner, sequences, study.study, study.as_float16,
                                 steps.care(sequences.size(), known, stop));
  report(found);
  found.tokens = massive_tokens(runner, sequences, study.study, steps.care(sequences.size(), known, stop));
  found.has_tokens = true;
  found.places = massive_places(found.tokens, sequences);
  if (found.tokens.first_layer < 0) {
    found.of = found.done;
    return report(found);
  }
  for (InterventionArm& arm : intervention_arms(found.tokens, study.study))
    found.arms.push_back({std::move(arm), {}});
  found.of = 2 * sequences.size() + found.arms.size() * scored;
  report(found);
  for (const auto& [name, own] : tests) {
    for (auto& [arm, perplexities] : found.arms) {
      perplexities.emplace_back(name,
                                perplexity_of(runner, own, arm.edits, steps.care(own.size(), known, stop)));
      report(found);
    }
  }
}

}  // namespace qkscope
