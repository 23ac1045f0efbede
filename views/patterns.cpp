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

std::set<HeadId> patternsOf(const ModelSpec& spec, const Look& look, HeadId head) {
  std::set<HeadId> heads{head};
  const AttentionSpec* attention = spec.attention(head.layer);
  if (head.head != HeadId::mean || !look.times_value || !attention) return heads;
  for (int each = 0; each < attention->num_heads; ++each) heads.insert({head.layer, each});
  return heads;
}

namespace {

/// The heads that are meant by one, or by the mean over a layer.
std::vector<HeadId> headsOf(const ModelSpec& spec, HeadId head) {
  if (head.head != HeadId::mean) return {head};
  std::vector<HeadId> heads;
  const AttentionSpec* attention = spec.attention(head.layer);
  for (int each = 0; attention && each < attention->num_heads; ++each) heads.push_back({head.layer, each});
  return heads;
}

/// Of one head what each key adds to each query.
std::optional<std::vector<double>> addedOf(const ViewData& data, const Capture& capture, Shown run,
                                           HeadId head) {
  const Array* pattern = capture.pattern(head);
  const std::vector<double> lengths = valueLengths(data, run, head);
  if (!pattern || std::ssize(lengths) != pattern->size(1)) return std::nullopt;
  std::vector<double> added(pattern->data.begin(), pattern->data.end());
  for (std::size_t i = 0; i < added.size(); ++i) added[i] *= lengths[i % lengths.size()];
  return added;
}

/// The pattern of one run as `look` wants it; nothing where it has not come yet.
std::optional<Array> patternOf(const ViewData& data, const Look& look, Shown run, HeadId head) {
  const Capture* capture = shownCapture(data, run);
  const Array* pattern = capture ? capture->pattern(head) : nullptr;
  if (!pattern) return std::nullopt;
  if (!look.times_value) return *pattern;
  const std::vector<HeadId> heads = headsOf(*data.spec(), head);
  std::vector<double> sum(pattern->data.size());
  for (const HeadId each : heads) {
    const auto added = addedOf(data, *capture, run, each);
    if (!added || added->size() != sum.size()) return std::nullopt;
    std::ranges::transform(sum, *added, sum.begin(), std::plus<>());
  }
  Array drawn = *pattern;
  for (std::size_t i = 0; i < sum.size(); ++i)
    drawn.data[i] = static_cast<float>(sum[i] / static_cast<double>(heads.size()));
  return drawn;
}

}  // namespace

std::optional<double> addedBy(const ViewData& data, Shown run, HeadId head, int query, int key) {
  const Capture* capture = shownCapture(data, run);
  const std::vector<HeadId> heads = headsOf(*data.spec(), head);
  double sum = 0;
  for (const HeadId each : heads) {
    const Array* pattern = capture ? capture->pattern(each) : nullptr;
    const std::vector<double> lengths = valueLengths(data, run, each);
    if (!pattern || query >= pattern->size(0) || key >= std::ssize(lengths)) return std::nullopt;
    sum += static_cast<double>(pattern->at(query, key)) * lengths[static_cast<std::size_t>(key)];
  }
  return heads.empty() ? std::nullopt : std::optional(sum / static_cast<double>(heads.size()));
}

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
