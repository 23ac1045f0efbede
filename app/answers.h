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
  std::optional<RunRequest> answer;  // null: nothing can be asked, or no answer is wanted
  std::optional<RunRequest> loss;    // of every prompt token; null: not wanted
  bool disrupted = false;            // whether there is a disrupted arm at all
  enum class Progress { None, Waiting, Running } progress = Progress::None;
  bool stopped = false;  // nothing runs until something is asked again
};

/// All that has been answered of one prompt. Each part knows the request it answers, so that nothing is ever
/// shown as the answer to another one: whoever asks brings the question along.
class Answers {
 public:
  /// The tokens; what was answered for others goes on standing there, as of an earlier text.
  void setRead(const ReadPrompt& read);
  /// The prompt's text has changed, or the model: it is to be read again.
  void setUnread() { read_.reset(); }
  const std::optional<ReadPrompt>& read() const { return read_; }

  /// An arm of a run of `request` has begun to answer.
  void begin(const RunRequest& request, Arm arm, std::vector<NextToken> next);
  /// All of the arm's answer that is there so far.
  void setText(const RunRequest& request, Arm arm, const QString& text);
  void setScore(const RunRequest& request, Arm arm, const Perplexity& score, const QStringList& pieces);
  /// Both arms in full; `disrupted` null where nothing was disrupted.
  void finish(const RunRequest& request, const PromptArm& baseline,
              const std::optional<PromptArm>& disrupted);
  void setLosses(const RunRequest& request, std::vector<float> losses);
  void fail(const RunRequest& request, const QString& sentence);

  /// Whether asking `request` would tell nothing new: it is answered in full, or has failed.
  bool isSettled(const RunRequest& request) const;
  bool hasLosses(const RunRequest& request) const { return losses_ && losses_->question == request; }
  /// What failed is to be asked again, or everything; what stands there stays until it is answered anew.
  void forget(bool failures_only);

  /// What a card is to show: the one place where states are told.
  PromptResult result(const Question& question) const;

 private:
  /// What one arm holds, and the request it answers: without needs, and a baseline's without edits.
  struct Known {
    RunRequest question;
    PromptArm arm;
    bool settled = false;  // needs not be asked again
  };
  template <class T>
  struct Of {
    RunRequest question;
    T value;
  };
  static RunRequest ask(RunRequest request, Arm arm);
  Known& known(const RunRequest& request, Arm arm);
  ArmStatus status(const Question& question, Arm arm) const;

  std::optional<ReadPrompt> read_;
  std::optional<Known> baseline_, disrupted_;
  std::optional<Of<std::vector<float>>> losses_;
  std::optional<Of<QString>> failure_;
};

}  // namespace qkscope
