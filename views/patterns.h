#pragma once
#include "views/shown.h"

namespace qkscope {

/// Patterns of longer prompts fill a screen many times over, and memory: of one head, and of every layer.
inline constexpr int longest_patterns = 2048, longest_grid = 512;

/// Why a run cannot have the pattern of a selected layer's heads, in a sentence; empty where it can.
QString whyNoPattern(const ViewData& data, const Look& look, const Selection& selection);
/// Of every layer the mean over its heads; none where the prompt is longer than `longest_grid`.
std::set<HeadId> meanPatterns(const ViewData& data);
/// The heads whose patterns are needed to draw that of `head`: where a mean is drawn times the length of each
/// key's value all of the layer's, for they differ in their values.
std::set<HeadId> patternsOf(const ModelSpec& spec, const Look& look, HeadId head);
/// The length of the value of every position that a query head reads, of one run; empty where it has not come
/// yet.
std::vector<double> valueLengths(const ViewData& data, Shown run, HeadId head);
/// What a key adds to a query: attention times the length of its value, of a head or on the mean over those
/// of a layer. Nothing where it has not come yet.
std::optional<double> addedBy(const ViewData& data, Shown run, HeadId head, int query, int key);
/// Whether drawnPattern() gives one.
bool hasPattern(const ViewData& data, const Look& look, HeadId head);
/// A pattern as it is drawn, that of `look`: what comes later is NaN, no number. Nothing where it has not
/// come yet.
std::optional<Array> drawnPattern(const ViewData& data, const Look& look, HeadId head);

}  // namespace qkscope
