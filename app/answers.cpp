#include "app/answers.h"

#include <algorithm>
#include <utility>

namespace qkscope {

RunRequest Answers::ask(RunRequest request, ArmId arm) {
  request.needs = {};
  if (arm == 0) request.edits.clear();
  return request;
}

Answers::Known& Answers::known(const RunRequest& request, ArmId arm) {
  RunRequest question = ask(request, arm);
  Known& known = known_[arm];
  if (known.question != question) known = Known{std::move(question), {}, false};
  return known;
}

void Answers::begin(const RunRequest& request, ArmId arm, std::vector<NextToken> next) {
  Known& mine = known(request, arm);
  // An answer that stands already is not written again letter by letter.
  if (!mine.run.complete) mine.run.next = std::move(next);
}

void Answers::setText(const RunRequest& request, ArmId arm, const QString& text) {
  Known& mine = known(request, arm);
  if (!mine.run.complete) mine.run.answer = text;
}

void Answers::setScore(const RunRequest& request, ArmId arm, const PromptArm& scored) {
  Known& mine = known(request, arm);
  mine.run.continuation = scored.continuation;
  mine.run.continuation_pieces = scored.continuation_pieces;
  mine.run.continuation_scores = scored.continuation_scores;
}

void Answers::finish(const RunRequest& request, ArmId arm, const PromptArm& run) {
  known_[arm] = Known{ask(request, arm), run, true};
  failures_.erase(arm);
}

void Answers::setLosses(const RunRequest& request, ArmId arm, std::shared_ptr<const TokenScores> losses) {
  losses_[arm] = {ask(request, arm), std::move(losses)};
}

bool Answers::hasLosses(const RunRequest& request, ArmId arm) const {
  const auto found = losses_.find(arm);
  return found != losses_.end() && found->second.question == ask(request, arm);
}

std::shared_ptr<const TokenScores> Answers::losses(const Question& question,
                                                   const Question::OfArm& arm) const {
  if (!question.loss || (arm.arm != 0 && (!question.disrupted || arm.edits.empty()))) return nullptr;
  RunRequest request = *question.loss;
  request.edits = arm.edits;
  return hasLosses(request, arm.arm) ? losses_.at(arm.arm).value : nullptr;
}

void Answers::fail(const RunRequest& request, ArmId arm, const QString& sentence) {
  failures_[arm] = Of<QString>{ask(request, arm), sentence};
}

bool Answers::isSettled(const RunRequest& request, ArmId arm) const {
  const RunRequest whole = ask(request, arm);
  const auto failure = failures_.find(arm);
  if (failure != failures_.end() && failure->second.question == whole) return true;
  const auto known = known_.find(arm);
  return known != known_.end() && known->second.settled && known->second.question == whole;
}

void Answers::forget(bool failures_only) {
  failures_.clear();
  if (failures_only) return;
  losses_.clear();
  for (auto& [arm, known] : known_) known.settled = false;
}

void Answers::keep(const std::vector<ArmId>& arms) {
  const auto gone = [&arms](const auto& entry) {
    return entry.first != 0 && std::ranges::find(arms, entry.first) == arms.end();
  };
  std::erase_if(known_, gone);
  std::erase_if(failures_, gone);
  std::erase_if(losses_, gone);
}

ArmResult Answers::result(const Question& question, const std::optional<RunRequest>& request,
                          const Question::OfArm& arm) const {
  const bool is_arm = arm.arm != 0;
  if (is_arm && !question.disrupted) return {{}, {ArmState::Off, false}, {}};
  if (is_arm && arm.edits.empty()) return {{}, {ArmState::Empty, false}, {}};
  const auto known = known_.find(arm.arm);
  const bool there = known != known_.end();
  const bool same = there && request && known->second.question == ask(*request, arm.arm);
  const bool earlier = there && !same;
  // Nothing old stands beside the sentence that says why there is nothing new.
  if (read_ && !read_->described.problem.isEmpty())
    return {{}, {ArmState::Failed, earlier}, read_->described.problem};
  ArmResult result;
  if (there) result.run = known->second.run;
  result.status.earlier = earlier;
  if (same && known->second.settled) {
    result.status.state = ArmState::Done;
    return result;
  }
  const auto failure = failures_.find(arm.arm);
  if (request && failure != failures_.end() && failure->second.question == ask(*request, arm.arm))
    return {{}, {ArmState::Failed, earlier}, failure->second.value};
  if (arm.progress == Question::Progress::Running) {
    result.status.state = ArmState::Running;
  } else if (arm.progress == Question::Progress::Waiting) {
    result.status.state = ArmState::Waiting;
  } else {
    result.status.state = question.stopped && (request || !read_) ? ArmState::Stopped : ArmState::NotRun;
  }
  return result;
}

PromptResult Answers::result(const Question& question) const {
  PromptResult result = read_ ? read_->described : PromptResult();
  const Question::OfArm baseline{0, {}, question.progress};
  result.baseline = this->result(question, question.answer, baseline);
  result.baseline.prompt_scores = losses(question, baseline);
  for (const Question::OfArm& arm : question.arms) {
    std::optional<RunRequest> request = question.answer;
    if (request) request->edits = arm.edits;
    result.arms.push_back(this->result(question, request, arm));
    result.arms.back().prompt_scores = losses(question, arm);
  }
  return result;
}

}  // namespace qkscope
