#include "views/patterns.h"

#include <algorithm>
#include <limits>

namespace qkscope {

QString whyNoPattern(const ViewData& data, const Look& look, const Selection& selection) {
  if (data.dump) return Words::tr("Files of Q, K and V hold no attention pattern: open a model to see it");
  const QString nothing = whyNothing(data, look);
  if (!nothing.isEmpty()) return nothing;
  const int positions = shownPositions(data);
  if (positions > longest_patterns)
    return Words::tr("Attention patterns are drawn of prompts of up to %1 tokens; this one has %2.")
        .arg(longest_patterns)
        .arg(positions);
  return whyNoHeads(*data.spec(), clamped(selection, *data.spec(), positions).layer, Site::Query);
}

std::set<HeadId> meanPatterns(const ViewData& data) {
  std::set<HeadId> heads;
  if (!data.spec() || data.dump || data.prompt_tokens > longest_grid) return heads;
  for (int layer = 0; layer < data.spec()->num_layers(); ++layer) {
    if (data.spec()->attention(layer)) heads.insert({layer, HeadId::mean});
  }
  return heads;
}

namespace {

/// What is shown, and of a difference what it is taken from, else the same; null where either is missing.
std::pair<const Array*, const Array*> patternsOf(const ViewData& data, const Look& look, HeadId head) {
  const auto pattern = [&](Shown run) {
    const Capture* capture = shownCapture(data, run);
    return capture ? capture->pattern(head) : nullptr;
  };
  const bool difference = look.shown == Shown::Difference;
  const Array* shown = pattern(difference ? Shown::Disrupted : look.shown);
  const Array* before = difference ? pattern(Shown::Baseline) : shown;
  if (!shown || !before || shown->shape != before->shape) return {nullptr, nullptr};
  return {shown, before};
}

}  // namespace

bool hasPattern(const ViewData& data, const Look& look, HeadId head) {
  return patternsOf(data, look, head).first != nullptr;
}

std::optional<Array> drawnPattern(const ViewData& data, const Look& look, HeadId head) {
  const auto [shown, before] = patternsOf(data, look, head);
  if (!shown) return std::nullopt;
  Array drawn = *shown;
  if (look.shown == Shown::Difference)
    std::ranges::transform(drawn.data, before->data, drawn.data.begin(), std::minus<>());
  const auto positions = static_cast<std::ptrdiff_t>(drawn.size(0));
  for (std::ptrdiff_t query = 0; query < positions; ++query)
    std::fill_n(drawn.data.begin() + query * positions + query + 1, positions - query - 1,
                std::numeric_limits<float>::quiet_NaN());
  return drawn;
}

}  // namespace qkscope
