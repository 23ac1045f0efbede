#include "core/analysis/frequency.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/rope.h"

namespace qkscope {

FrequencyAxis::FrequencyAxis(const RopeSpec* rope, int head_dim, int max_position_embeddings,
                             int sequence_length)
    : head_dim_(head_dim) {
  if (!rope) return;
  RopeFrequencies frequencies = rope_frequencies(*rope, max_position_embeddings, sequence_length);
  inv_freq_ = std::move(frequencies.inv_freq);
  attention_factor_ = frequencies.attention_factor;
  rotary_start_ = rope->rotary_start;
  interleaved_ = rope->interleaved;
}

namespace {

FrequencyAxis axis_of(const ModelSpec& spec, const AttentionSpec* attention, int sequence_length) {
  if (!attention) return {nullptr, spec.head_dim(), spec.max_position_embeddings, sequence_length};
  return {attention->rope ? &*attention->rope : nullptr, attention->head_dim, spec.max_position_embeddings,
          sequence_length};
}

const AttentionSpec* first_that_rotates(const ModelSpec& spec) {
  for (const LayerSpec& layer : spec.layers) {
    if (layer.attention() && layer.attention()->rope) return layer.attention();
  }
  return nullptr;
}

}  // namespace

FrequencyAxis::FrequencyAxis(const ModelSpec& spec, int layer, int sequence_length)
    : FrequencyAxis(axis_of(spec, spec.attention(layer), sequence_length)) {}

FrequencyAxis::FrequencyAxis(const ModelSpec& spec, int sequence_length)
    : FrequencyAxis(axis_of(spec, first_that_rotates(spec), sequence_length)) {}

LayerAxes::LayerAxes(const ModelSpec& spec, int sequence_length) : axes_() {
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    // Most models have one kind of layers, and a window asks for this with every picture.
    const AttentionSpec *own = spec.attention(layer),
                        *before = layer > 0 ? spec.attention(layer - 1) : nullptr;
    if (own && before && own->rope == before->rope && own->head_dim == before->head_dim) {
      axes_.push_back(FrequencyAxis(axes_.back()));
    } else {
      axes_.emplace_back(spec, layer, sequence_length);
    }
  }
  if (axes_.empty()) axes_.emplace_back();
}

const FrequencyAxis& LayerAxes::of(int layer) const {
  return axes_.size() == 1 ? axes_.front() : axes_.at(static_cast<std::size_t>(layer));
}

const FrequencyAxis& LayerAxes::first() const {
  const auto found =
      std::ranges::find_if(axes_, [](const FrequencyAxis& a) { return !a.inv_freq().empty(); });
  return found == axes_.end() ? axes_.front() : *found;
}

std::optional<RotaryDim> FrequencyAxis::at(int dim) const {
  const int pairs = static_cast<int>(inv_freq_.size());
  const int turning = dim - rotary_start_;
  if (turning < 0 || turning >= 2 * pairs) return std::nullopt;
  const int pair = interleaved_ ? turning / 2 : turning % pairs;
  const int partner = interleaved_ ? turning ^ 1 : (turning < pairs ? turning + pairs : turning - pairs);
  const double inv_freq = inv_freq_[static_cast<std::size_t>(pair)];
  return RotaryDim{pair, rotary_start_ + partner, inv_freq, 2 * std::numbers::pi / inv_freq};
}

std::pair<int, int> FrequencyAxis::dims_of(int pair) const {
  const int pairs = static_cast<int>(inv_freq_.size());
  return interleaved_ ? std::pair(rotary_start_ + 2 * pair, rotary_start_ + 2 * pair + 1)
                      : std::pair(rotary_start_ + pair, rotary_start_ + pair + pairs);
}

bool FrequencyAxis::low_frequency(int dim) const {
  const auto rotary = at(dim);
  return rotary && 2 * rotary->pair >= static_cast<int>(inv_freq_.size());
}

Array before_rope(const Array& rotated, const FrequencyAxis& axis, int first_position) {
  const auto pairs = axis.inv_freq().size();
  std::int64_t numbers = 0;
  if (rotated.shape.size() != 3 || !element_count(rotated.shape, numbers) ||
      numbers != static_cast<std::int64_t>(rotated.data.size()) || rotated.shape[2] < axis.least_head_dim()) {
    throw Error("RoPE is undone on (positions, heads, head_dim) with head_dim at least " +
                std::to_string(axis.least_head_dim()) + ", not on an array of shape " +
                shape_text(rotated.shape));
  }
  Array result = rotated;
  float* head = result.data.data();
  for (std::int64_t position = 0; position < rotated.shape[0]; ++position) {
    for (std::int64_t h = 0; h < rotated.shape[1]; ++h, head += rotated.shape[2]) {
      for (std::size_t pair = 0; pair < pairs; ++pair) {
        const double angle = static_cast<double>(first_position + position) * axis.inv_freq()[pair];
        const double cosine = std::cos(angle) / axis.attention_factor();
        const double sine = std::sin(angle) / axis.attention_factor();
        const auto [first, second] = axis.dims_of(static_cast<int>(pair));
        const double a = static_cast<double>(head[first]), b = static_cast<double>(head[second]);
        head[first] = static_cast<float>(a * cosine + b * sine);
        head[second] = static_cast<float>(b * cosine - a * sine);
      }
    }
  }
  return result;
}

MassiveCount count_massive(const Norms& norms, Site site, double lambda, const LayerAxes& axes) {
  MassiveCount count;
  for (const auto& [where, m] : norms) {
    if (where.site == site) count.entries += static_cast<std::int64_t>(m->data.size());
  }
  for (const MassiveValue& value : massive_values(norms, site, lambda)) {
    ++count.massive;
    count.low_frequency_half += axes.of(value.where.layer).low_frequency(value.dim);
  }
  return count;
}

std::vector<BandShare> band_shares(const Norms& norms, Site site, double lambda, const LayerAxes& axes,
                                   int bands) {
  const FrequencyAxis& axis = axes.first();
  const int pairs = static_cast<int>(axis.inv_freq().size());
  bands = std::min(bands, pairs);
  if (bands <= 0) return {};
  std::vector<BandShare> shares(static_cast<std::size_t>(bands));
  const auto first_pair = [&](int band) { return band * pairs / bands; };
  std::vector<std::size_t> band_of_pair(static_cast<std::size_t>(pairs));
  for (int band = 0; band < bands; ++band) {
    const int first = first_pair(band), last = first_pair(band + 1) - 1;
    auto& share = shares[static_cast<std::size_t>(band)];
    share.from_wavelength = axis.at(axis.dims_of(first).first)->wavelength;
    share.to_wavelength = axis.at(axis.dims_of(last).first)->wavelength;
    for (int pair = first; pair <= last; ++pair) {
      band_of_pair[static_cast<std::size_t>(pair)] = static_cast<std::size_t>(band);
    }
  }
  const auto share_of = [&](const RotaryDim& dim) -> BandShare& {
    return shares[band_of_pair[static_cast<std::size_t>(dim.pair)]];
  };
  for (const auto& [where, m] : norms) {
    if (where.site != site || !axes.as_first(where.layer)) continue;
    for (int dim = 0; dim < static_cast<int>(m->size(1)); ++dim) {
      if (const auto rotary = axis.at(dim)) share_of(*rotary).entries += m->size(0);
    }
  }
  for (const MassiveValue& value : massive_values(norms, site, lambda)) {
    if (!axes.as_first(value.where.layer)) continue;
    if (const auto rotary = axis.at(value.dim)) ++share_of(*rotary).massive;
  }
  return shares;
}

}  // namespace qkscope
