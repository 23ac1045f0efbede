#include "app/answers.h"

#include <utility>

namespace qkscope {

RunRequest Answers::ask(RunRequest request, Arm arm) {
  request.needs = {};
  if (arm == Arm::Baseline) request.edits.clear();
  return request;
}

Answers::Known& Answers::known(const RunRequest& request, Arm arm) {
  std::optional<Known>& known = arm == Arm::Baseline ? baseline_ : disrupted_;
  RunRequest question = ask(request, arm);
  if (!known || known->question != question) known = Known{std::move(question), {}, false};
  return *known;
}

void Answers::setRead(const ReadPrompt& read) {
  read_ = read;
}

void Answers::begin(const RunRequest& request, Arm arm, std::vector<NextToken> next) {
  Known& mine = known(request, arm);
  // An answer that stands already is not written again letter by letter.
  if (!mine.arm.complete) mine.arm.next = std::move(next);
}

void Answers::setText(const RunRequest& request, Arm arm, const QString& text) {
  Known& mine = known(request, arm);
  if (!mine.arm.complete) mine.arm.answer = text;
}

void Answers::setScore(const RunRequest& request, Arm arm, const Perplexity& score,
                       const QStringList& pieces) {
  Known& mine = known(request, arm);
  mine.arm.continuation = score;
  mine.arm.continuation_pieces = pieces;
}

void Answers::finish(const RunRequest& request, const PromptArm& baseline,
                     const std::optional<PromptArm>& disrupted) {
  baseline_ = Known{ask(request, Arm::Baseline), baseline, true};
  if (disrupted) disrupted_ = Known{ask(request, Arm::Disrupted), *disrupted, true};
  failure_.reset();
}

void Answers::setLosses(const RunRequest& request, std::vector<float> losses) {
  losses_ = Of<std::vector<float>>{request, std::move(losses)};
}

void Answers::fail(const RunRequest& request, const QString& sentence) {
  failure_ = Of<QString>{ask(request, Arm::Disrupted), sentence};
}

bool Answers::isSettled(const RunRequest& request) const {
  const RunRequest whole = ask(request, Arm::Disrupted);
  if (failure_ && failure_->question == whole) return true;
  const bool baseline = baseline_ && baseline_->settled && baseline_->question == ask(request, Arm::Baseline);
  if (request.edits.empty()) return baseline;
  return baseline && disrupted_ && disrupted_->settled && disrupted_->question == whole;
}

void Answers::forget(bool failures_only) {
  failure_.reset();
  if (failures_only) return;
  losses_.reset();
  for (std::optional<Known>* known : {&baseline_, &disrupted_}) {
    if (*known) (*known)->settled = false;
  }
}

ArmStatus Answers::status(const Question& question, Arm arm) const {
  if (arm == Arm::Disrupted && !question.disrupted) return {ArmState::Off, false};
  const std::optional<Known>& known = arm == Arm::Baseline ? baseline_ : disrupted_;
  const bool asked = question.answer.has_value();
  const bool same = known && asked && known->question == ask(*question.answer, arm);
  const bool earlier = known && !same;
  if (read_ && !read_->described.problem.isEmpty()) return {ArmState::Failed, earlier};
  if (same && known->settled) return {ArmState::Done, false};
  if (asked && failure_ && failure_->question == ask(*question.answer, Arm::Disrupted))
    return {ArmState::Failed, earlier};
  if (question.progress == Question::Progress::Running) return {ArmState::Running, earlier};
  if (question.progress == Question::Progress::Waiting) return {ArmState::Waiting, earlier};
  return {question.stopped && (asked || !read_) ? ArmState::Stopped : ArmState::NotRun, earlier};
}

PromptResult Answers::result(const Question& question) const {
  PromptResult result = read_ ? read_->described : PromptResult();
  result.baseline_status = status(question, Arm::Baseline);
  result.disrupted_status = status(question, Arm::Disrupted);
  const auto shown = [](const std::optional<Known>& known, ArmStatus status) -> std::optional<PromptArm> {
    // Nothing old stands beside the sentence that says why there is nothing new.
    const bool hidden = status.state == ArmState::Off || status.state == ArmState::Failed;
    if (!known || hidden) return std::nullopt;
    return known->arm;
  };
  result.baseline = shown(baseline_, result.baseline_status);
  result.disrupted = shown(disrupted_, result.disrupted_status);
  if (losses_ && question.loss == losses_->question) result.prompt_loss = losses_->value;
  if (failure_ && question.answer && failure_->question == ask(*question.answer, Arm::Disrupted))
    result.problem = failure_->value;
  return result;
}

}  // namespace qkscope
