#include "views/prompt.h"

#include <QCoreApplication>
#include <algorithm>

namespace qkscope {

namespace {

struct Words {
  Q_DECLARE_TR_FUNCTIONS(PromptCard)
};

QString withoutAnswer(ArmState state, const QString& problem) {
  switch (state) {
    case ArmState::Off:
      return Words::tr("press D to disrupt");
    case ArmState::Empty:
      return Words::tr("changes nothing: none of its edits is switched on");
    case ArmState::NotRun:
      return Words::tr("not run yet");
    case ArmState::Waiting:
      return Words::tr("waiting");
    case ArmState::Running:
      return Words::tr("running …");
    case ArmState::Stopped:
      return Words::tr("stopped: F5 runs it");
    case ArmState::Failed:
      return problem;
    case ArmState::Done:
      break;
  }
  return {};
}

}  // namespace

bool PromptResult::hasProblem() const {
  const auto has = [](const ArmResult& arm) { return !arm.problem.isEmpty(); };
  return !problem.isEmpty() || has(baseline) || std::ranges::any_of(arms, has);
}

QString stateWords(const PromptResult& result, const ArmResult& arm) {
  const auto [state, earlier] = arm.status;
  const ArmResult& baseline = result.baseline;
  // One sentence is enough for both, and neither D nor edits help where nothing runs.
  const bool told = state == ArmState::Off || state == ArmState::Empty ||
                    (state == ArmState::Failed && arm.problem == baseline.problem);
  if (&arm != &baseline && told && baseline.status.state == ArmState::Failed) return {};
  if (!arm.run) return withoutAnswer(state, arm.problem);
  const QString beside = state == ArmState::Stopped || state == ArmState::Failed || state == ArmState::NotRun
                             ? withoutAnswer(state, arm.problem)
                             : QString();
  if (!earlier) return beside;
  return beside.isEmpty() ? Words::tr("from an earlier setting")
                          : Words::tr("from an earlier setting; %1").arg(beside);
}

}  // namespace qkscope
