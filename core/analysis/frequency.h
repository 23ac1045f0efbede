#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/analysis/massive_values.h"
#include "core/model/spec.h"

namespace qkscope {

/// The rotary embedding of one dim of a head, as this checkpoint really turns it.
struct RotaryDim {
  int pair = 0;           // index into inv_freq
  int partner = 0;        // the dim it is rotated with
  double inv_freq = 0;    // radians a position, after scaling
  double wavelength = 0;  // 2 pi / inv_freq, in positions; infinite for a pair that stands still
};

/// The RoPE of a model seen dim by dim. `sequence_length` matters for dynamic scaling and longrope only.
class FrequencyAxis {
 public:
  FrequencyAxis() = default;
  /// Of a head of `head_dim` dims; null `rope`: none of them rotates.
  FrequencyAxis(const RopeSpec* rope, int head_dim, int max_position_embeddings, int sequence_length);
  /// Of one layer.
  FrequencyAxis(const ModelSpec& spec, int layer, int sequence_length);
  /// Of the first layer that rotates.
  FrequencyAxis(const ModelSpec& spec, int sequence_length);

  int head_dim() const { return head_dim_; }
  /// Nothing for a dim that does not rotate.
  std::optional<RotaryDim> at(int dim) const;
  /// The two dims of a pair.
  std::pair<int, int> dims_of(int pair) const;
  /// A head needs as many dims for what rotates.
  std::int64_t least_head_dim() const {
    return rotary_start_ + 2 * static_cast<std::int64_t>(inv_freq_.size());
  }
  /// Pair in the slower half of inv_freq.
  bool low_frequency(int dim) const;
  const std::vector<double>& inv_freq() const { return inv_freq_; }
  /// Factor yarn puts on rotated q and k; 1 otherwise.
  double attention_factor() const { return attention_factor_; }

 private:
  int head_dim_ = 0;
  int rotary_start_ = 0;
  bool interleaved_ = false;
  std::vector<double> inv_freq_;
  double attention_factor_ = 1.0;
};

/// The RoPE of every layer of a model.
class LayerAxes {
 public:
  LayerAxes() = default;
  LayerAxes(const ModelSpec& spec, int sequence_length);
  /// The same for all layers.
  LayerAxes(FrequencyAxis axis) : axes_{std::move(axis)} {}

  const FrequencyAxis& of(int layer) const;
  /// The first that rotates.
  const FrequencyAxis& first() const;
  /// Whether a layer rotates as the first that rotates does.
  bool as_first(int layer) const { return of(layer).inv_freq() == first().inv_freq(); }

 private:
  std::vector<FrequencyAxis> axes_{{}};  // one a layer, or one for all
};

/// What rotated Q or K (positions, heads, head_dim) were before RoPE, `first_position` being the first row's:
/// every rotary pair turned back, yarn's factor taken out. Norms and the energy of each pair stay.
Array before_rope(const Array& rotated, const FrequencyAxis& axis, int first_position = 0);

MassiveCount count_massive(const Norms& norms, Site site, double lambda, const LayerAxes& axes);

/// Share of the dims of each wavelength band that are massive: bands of equal numbers of pairs, slowest last;
/// of the layers that rotate as the first that rotates does, as others have other wavelengths.
struct BandShare {
  double from_wavelength = 0, to_wavelength = 0;  // positions, first and last pair of the band
  std::int64_t massive = 0, entries = 0;
};
std::vector<BandShare> band_shares(const Norms& norms, Site site, double lambda, const LayerAxes& axes,
                                   int bands = 8);

}  // namespace qkscope
