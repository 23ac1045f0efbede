#include "views/activation_pointing.h"

#include <QMenu>
#include <algorithm>

#include "views/arms.h"
#include "views/disruption_words.h"

namespace qkscope {

std::optional<PointedActivation> pointedActivation(const ViewData& data, const Look& look,
                                                   const Selection& at) {
  if (!data.spec() || data.dump || at.position < 0) return std::nullopt;
  const ActivationSummary* summary = shownResidual(data, residualRun(look), at.layer);
  const auto position = static_cast<std::size_t>(at.position);
  if (!summary || position >= summary->largest.size()) return std::nullopt;
  return PointedActivation{at.layer, at.position, summary->largest[position].dim};
}

QString reachWords(ActivationReach reach) {
  switch (reach) {
    case ActivationReach::This:
      return Words::tr("the largest activation at the selection");
    case ActivationReach::FirstLayer:
      return Words::tr("massive activations of the first layer that has any");
    case ActivationReach::EachLayer:
      return Words::tr("massive activations of each layer");
  }
  return {};
}

QString changeWords(ActivationChange change) {
  switch (change) {
    case ActivationChange::Zero:
      return Words::tr("set to zero");
    case ActivationChange::Mean:
      return Words::tr("set to the mean");
    case ActivationChange::Control:
      return Words::tr("control: of median size");
  }
  return {};
}

QString changeAbout(ActivationChange change) {
  switch (change) {
    case ActivationChange::Zero:
      return Words::tr("At the output of the layer, while the prompt is read");
    case ActivationChange::Mean:
      return Words::tr(
          "The signed mean of each dim over what is set in this prompt, position 0 and the others apart: the "
          "prompt is a corpus of one. Of a single number that is the number itself. Means of a corpus are "
          "measured by qkscope-cli activations tokens, which writes the edit.");
    case ActivationChange::Control:
      return Words::tr(
          "As many other numbers of the same layer, those next to its median in magnitude, become zero");
  }
  return {};
}

std::optional<ActivationEdit> activationEdit(const Look& look, ActivationReach reach, ActivationChange change,
                                             const std::optional<PointedActivation>& pointed) {
  ActivationEdit edit;
  if (reach == ActivationReach::This) {
    if (!pointed) return std::nullopt;
    edit.layers = {pointed->layer};
    edit.entries = {{pointed->position, pointed->dim}};
  } else {
    edit.rule = look.activations;
    edit.scope =
        reach == ActivationReach::FirstLayer ? ActivationEdit::Scope::First : ActivationEdit::Scope::Each;
  }
  edit.set = change == ActivationChange::Mean ? ActivationEdit::Set::Mean : ActivationEdit::Set::Zero;
  edit.control = change == ActivationChange::Control;
  return edit;
}

Edits withActivations(Edits now, const ActivationEdit& edit) {
  // Whatever they become.
  const auto numbers = [](ActivationEdit e) {
    e.set = ActivationEdit::Set::Zero;
    e.control = false;
    return e;
  };
  const auto same = std::ranges::find_if(now, [&](const Edit& each) {
    return each.activations() && numbers(*each.activations()) == numbers(edit);
  });
  if (same == now.end()) {
    now.emplace_back(edit);
  } else {
    *same = edit;
  }
  return now;
}

Arms withActivations(Arms now, const ActivationEdit& edit) {
  Edits edits = withActivations(now.shown().edits, edit);
  Arms next = withEdits(std::move(now), std::move(edits));
  next.on = true;
  return next;
}

void fillActivationMenu(QMenu& menu, const Look& look, const std::optional<PointedActivation>& pointed,
                        const std::function<void(const ActivationEdit&)>& take) {
  for (const ActivationReach reach : all_activation_reaches) {
    if (reach == ActivationReach::This && !pointed) continue;
    menu.addSection(reach == ActivationReach::This ? Words::tr("h[%1, %2] after layer %3")
                                                         .arg(pointed->position)
                                                         .arg(pointed->dim)
                                                         .arg(pointed->layer + 1)
                                                   : reachWords(reach));
    for (const ActivationChange change : all_activation_changes) {
      const auto edit = activationEdit(look, reach, change, pointed);
      QAction* action = menu.addAction(changeWords(change), &menu, [take, edit] { take(*edit); });
      action->setToolTip(changeAbout(change));
    }
  }
  menu.setToolTipsVisible(true);
}

}  // namespace qkscope
