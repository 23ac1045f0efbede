#pragma once
#include <optional>
#include <vector>

#include "core/analysis/massive_values.h"
#include "core/model/decoder_spec.h"

namespace qkscope {

/// The rotary embedding of one dim of a head, as this checkpoint really turns it.
struct RotaryDim {
  int pair = 0;           // index into inv_freq
  int partner = 0;        // the dim it is rotated with
  double inv_freq = 0;    // radians a position, after scaling
  double wavelength = 0;  // 2 pi / inv_freq, in positions
};

/// The RoPE of a model seen dim by dim. `sequence_length` matters for dynamic scaling only.
class FrequencyAxis {
 public:
  FrequencyAxis() = default;
  FrequencyAxis(const DecoderSpec& spec, int sequence_length);

  int head_dim() const { return head_dim_; }
  /// Nothing for a dim that does not rotate.
  std::optional<RotaryDim> at(int dim) const;
  /// Pair in the slower half of inv_freq.
  bool low_frequency(int dim) const;
  const std::vector<double>& inv_freq() const { return inv_freq_; }
  /// Factor yarn puts on rotated q and k; 1 otherwise.
  double attention_factor() const { return attention_factor_; }

 private:
  int head_dim_ = 0;
  std::vector<double> inv_freq_;
  double attention_factor_ = 1.0;
};

/// What rotated Q or K (positions, heads, head_dim) were before RoPE, `first_position` being the first row's:
/// every rotary pair turned back, yarn's factor taken out. Norms and the energy of each pair stay.
Array before_rope(const Array& rotated, const FrequencyAxis& axis, int first_position = 0);

MassiveCount count_massive(const Capture& capture, Site site, double lambda, const FrequencyAxis& axis);

/// Share of the dims of each wavelength band that are massive: bands of equal numbers of pairs, slowest last.
struct BandShare {
  double from_wavelength = 0, to_wavelength = 0;  // positions, first and last pair of the band
  std::int64_t massive = 0, entries = 0;
};
std::vector<BandShare> band_shares(const Capture& capture, Site site, double lambda,
                                   const FrequencyAxis& axis, int bands = 8);

}  // namespace qkscope
