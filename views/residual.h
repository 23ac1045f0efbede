#pragma once
#include "views/position_map.h"

namespace qkscope {

/// What the panels of the residual stream ask of runs: the largest |h| of each layer, and of each position in
/// it, and all that the look's rule calls massive.
Needs residualNeeds(const Look& look);

/// What massivePositions() asks of runs.
Needs massiveNeeds(const Look& look);
/// The positions that have a massive activation after any layer of the baseline, by the look's rule, sorted.
std::vector<int> massivePositions(const ViewData& data, const Look& look);
/// Of the residual stream after a layer, of one run; null where it has not come yet.
const ActivationSummary* shownResidual(const ViewData& data, Shown run, int layer);
/// What the panels cannot show yet, in a sentence; empty where there is something to see.
QString whyNoResidual(const ViewData& data, const Look& look);
/// Of one run by `look`: that of the baseline where a difference is looked at.
Shown residualRun(const Look& look);

/// "h = 24,926 · layer 12 [11] · position 0 The · dim 507 · 15,255 × median"
QString residualWords(const ViewData& data, int layer, const ActivationAt& at, float median);

/// "|h| > 100 and > 1,000 × median of the layer"
QString residualRule(const Look& look);
/// Layers x positions: max over dims of |h|, of one run or its change. `light`: for light ground.
PositionMap residualMap(const ViewData& data, const Look& look, bool light);

}  // namespace qkscope
