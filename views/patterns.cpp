#include "views/patterns.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "core/analysis/attention_sinks.h"
#include "core/analysis/logit_parts.h"

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

std::vector<double> valueLengths(const ViewData& data, Shown run, HeadId head) {
  const AttentionSpec* attention = data.spec()->attention(head.layer);
  const Array* values =
      attention ? capturedValue(data, run, keys_layer(*attention, head.layer), Site::Value) : nullptr;
  return values ? head_lengths(*values, head.head / attention->num_kv_groups()) : std::vector<double>();
}

namespace {

/// The pattern of one run as `look` wants it; nothing where it has not come yet.
std::optional<Array> patternOf(const ViewData& data, const Look& look, Shown run, HeadId head) {
  const Capture* capture = shownCapture(data, run);
  const Array* pattern = capture ? capture->pattern(head) : nullptr;
  if (!pattern) return std::nullopt;
  Array drawn = *pattern;
  if (!timesValue(look, head)) return drawn;
  const std::vector<double> lengths = valueLengths(data, run, head);
  if (std::ssize(lengths) != drawn.size(1)) return std::nullopt;
  for (std::size_t i = 0; i < drawn.data.size(); ++i)
    drawn.data[i] = static_cast<float>(static_cast<double>(drawn.data[i]) * lengths[i % lengths.size()]);
  return drawn;
}

}  // namespace

bool hasPattern(const ViewData& data, const Look& look, HeadId head) {
  return drawnPattern(data, look, head).has_value();
}

std::optional<Array> drawnPattern(const ViewData& data, const Look& look, HeadId head) {
  const bool difference = look.shown == Shown::Difference;
  std::optional<Array> drawn = patternOf(data, look, difference ? Shown::Disrupted : look.shown, head);
  if (!drawn) return std::nullopt;
  if (difference) {
    const auto before = patternOf(data, look, Shown::Baseline, head);
    if (!before || before->shape != drawn->shape) return std::nullopt;
    std::ranges::transform(drawn->data, before->data, drawn->data.begin(), std::minus<>());
  }
  const auto positions = static_cast<std::ptrdiff_t>(drawn->size(0));
  for (std::ptrdiff_t query = 0; query < positions; ++query)
    std::fill_n(drawn->data.begin() + query * positions + query + 1, positions - query - 1,
                std::numeric_limits<float>::quiet_NaN());
  return drawn;
}

}  // namespace qkscope
