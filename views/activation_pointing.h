#pragma once
#include <functional>
#include <optional>

#include "views/residual.h"

class QMenu;

namespace qkscope {

struct Arms;

/// A number of the residual stream after a layer; all 0-based.
struct PointedActivation {
  int layer = 0, position = 0, dim = 0;
  bool operator==(const PointedActivation&) const = default;
};
/// The largest of the selected position after the selected layer, in the run that `look` means; nothing where
/// no position is selected, or it has not come yet.
std::optional<PointedActivation> pointedActivation(const ViewData& data, const Look& look,
                                                   const Selection& at);

/// Which numbers are meant: one, or those that the look's rule takes in the baseline.
enum class ActivationReach { This, FirstLayer, EachLayer };
inline constexpr ActivationReach all_activation_reaches[] = {
    ActivationReach::This, ActivationReach::FirstLayer, ActivationReach::EachLayer};
/// What becomes of them. Control: as many of median size become zero in their place.
enum class ActivationChange { Zero, Mean, Control };
inline constexpr ActivationChange all_activation_changes[] = {ActivationChange::Zero, ActivationChange::Mean,
                                                              ActivationChange::Control};

/// "massive activations of the first layer that has any"
QString reachWords(ActivationReach reach);
/// "set to their mean", and what that means, in a sentence.
QString changeWords(ActivationChange change);
QString changeAbout(ActivationChange change);

/// Nothing where This is meant and `pointed` is nothing.
std::optional<ActivationEdit> activationEdit(const Look& look, ActivationReach reach, ActivationChange change,
                                             const std::optional<PointedActivation>& pointed);
/// Those of now with this edit switched on: in place of one that sets the same numbers, else behind the last.
Edits withActivations(Edits now, const ActivationEdit& edit);
/// The arms with it in the shown one, which is run.
Arms withActivations(Arms now, const ActivationEdit& edit);

/// All that can be done to what is pointed at; `take` is given the edit that was chosen.
void fillActivationMenu(QMenu& menu, const Look& look, const std::optional<PointedActivation>& pointed,
                        const std::function<void(const ActivationEdit&)>& take);

}  // namespace qkscope
