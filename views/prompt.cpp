#include "views/prompt.h"

#include <QCoreApplication>

namespace qkscope {

namespace {

struct Words {
  Q_DECLARE_TR_FUNCTIONS(PromptCard)
};

QString withoutAnswer(ArmState state, const QString& problem) {
  switch (state) {
    case ArmState::Off:
      return Words::tr("press D to disrupt");
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

QString stateWords(const PromptResult& result, Arm which) {
  const auto [state, earlier] = result.status(which);
  // One sentence is enough for both, and D does not help where nothing runs.
  if (which == Arm::Disrupted && (state == ArmState::Failed || state == ArmState::Off) &&
      result.baseline_status.state == ArmState::Failed)
    return {};
  if (!result.arm(which)) return withoutAnswer(state, result.problem);
  const QString beside = state == ArmState::Stopped || state == ArmState::Failed || state == ArmState::NotRun
                             ? withoutAnswer(state, result.problem)
                             : QString();
  if (!earlier) return beside;
  return beside.isEmpty() ? Words::tr("from an earlier setting")
                          : Words::tr("from an earlier setting; %1").arg(beside);
}

}  // namespace qkscope
