#pragma once
#include "views/residual.h"

namespace qkscope {

/// What the pictures of one layer's residual stream ask of runs: every number of the selected layer.
Needs channelsNeeds(const ViewData& data, const Look& look, const Selection& selection);
/// Why there is none, in a sentence; empty where there is.
QString whyNoChannels(const ViewData& data, const Look& look, const Selection& selection);
/// h (positions, hidden_size) after the selected layer, of the run by `look`, or disrupted minus baseline.
/// Nothing where it has not come yet.
std::optional<Array> shownChannels(const ViewData& data, const Look& look, const Selection& selection);
/// The same for export; none where there is nothing to draw.
std::vector<FigureArray> channelArrays(const ViewData& data, const Look& look, const Selection& selection);

}  // namespace qkscope
