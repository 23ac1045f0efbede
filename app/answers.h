#pragma once
#include <map>
#include <optional>
#include <vector>

#include "app/prompt_text.h"
#include "core/run/run.h"
#include "views/prompt.h"

namespace qkscope {

/// What is asked of one prompt under the settings of the moment.
struct Question {
  enum class Progress { None, Waiting, Running };
  struct OfArm {
    ArmId arm = 0;
    Edits edits;  // those that are switched on
    Progress progress = Progress::None;
  };
  std::optional<RunRequest> answer;    // of the baseline; null: nothing can be asked, or no answer is wanted
  std::optional<RunRequest> loss;      // of every prompt token; null: not wanted
  Progress progress = Progress::None;  // of the baseline
  std::vector<OfArm> arms;             // as the document has them
  bool disrupted = false;              // whether the arms are run at all
  bool stopped = false;                // nothing runs until something is asked again
};

/// All that has been answered of one prompt, by arm; 0 is the baseline. Each part knows the request it
/// answers, so that nothing is ever shown as the answer to another one: whoever asks brings the question
/// along.
class Answers {
 public:
  /// The tokens; what was answered for others goes on standing there, as of an earlier text.
  void setRead(const ReadPrompt& read) { read_ = read; }
  /// The prompt's text has changed, or the model: it is to be read again.
  void setUnread() { read_.reset(); }
  const std::optional<ReadPrompt>& read() const { return read_; }

  /// A run of `request` has begun to answer.
  void begin(const RunRequest& request, ArmId arm, std::vector<NextToken> next);
  /// All of the answer that is there so far.
  void setText(const RunRequest& request, ArmId arm, const QString& text);
  /// What `scored` says of the continuation.
  void setScore(const RunRequest& request, ArmId arm, const PromptArm& scored);
  /// In full.
  void finish(const RunRequest& request, ArmId arm, const PromptArm& run);
  /// Of every token of the prompt; null where they cannot be had.
  void setLosses(const RunRequest& request, ArmId arm, std::shared_ptr<const TokenScores> losses);
  void fail(const RunRequest& request, ArmId arm, const QString& sentence);

  /// Whether asking `request` would tell nothing new: it is answered in full, or has failed.
  bool isSettled(const RunRequest& request, ArmId arm) const;
  bool hasLosses(const RunRequest& request, ArmId arm) const;
  /// What failed is to be asked again, or everything; what stands there stays until it is answered anew.
  void forget(bool failures_only);
  /// Of these arms alone something is still to be known.
  void keep(const std::vector<ArmId>& arms);

  /// What a card is to show: the one place where states are told.
  PromptResult result(const Question& question) const;

 private:
  /// What one arm holds, and the request it answers: without needs, and a baseline's without edits.
  struct Known {
    RunRequest question;
    PromptArm run;
    bool settled = false;  // needs not be asked again
  };
  template <class T>
  struct Of {
    RunRequest question;
    T value;
  };
  static RunRequest ask(RunRequest request, ArmId arm);
  Known& known(const RunRequest& request, ArmId arm);
  /// `request`: null where nothing can be asked.
  ArmResult result(const Question& question, const std::optional<RunRequest>& request,
                   const Question::OfArm& arm) const;
  std::shared_ptr<const TokenScores> losses(const Question& question, const Question::OfArm& arm) const;

  std::optional<ReadPrompt> read_;
  std::map<ArmId, Known> known_;
  std::map<ArmId, Of<QString>> failures_;
  std::map<ArmId, Of<std::shared_ptr<const TokenScores>>> losses_;
};

}  // namespace qkscope
