#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <vector>

#include "core/model/spec.h"
#include "core/run/run.h"

namespace qkscope {

/// Disruptions made ready for one pass on one device: clean masks resolved and uploaded beforehand, live
/// masks found in the pass itself with tensor operations, so that nothing in the layer loop waits for the
/// device.
class Intervention {
 public:
  /// `baseline` holds M of the undisrupted pass, which clean masks are taken from.
  Intervention(const std::vector<Disruption>& disruptions, const ModelSpec& spec, const Capture& baseline,
               at::Device device);

  /// The first layer with columns to replace, as far as can be known beforehand; num_layers where there is
  /// none.
  int first_layer() const;
  /// Whether some disruption that has columns to replace goes on after the prefill.
  bool every_step() const;
  /// `x` (T, heads, D) of Query, Key or Value with the chosen columns replaced; `x` itself, untouched, where
  /// no disruption covers the place. `prefill`: phase of this pass.
  at::Tensor apply(SiteId where, const at::Tensor& x, bool prefill);
  /// False where a disruption of this place asks that later steps read the clean keys and values.
  bool reaches_kv_cache(SiteId where) const;
  /// Columns replaced in prefills since construction, of Mask::Position the (position, dim) entries; waits
  /// for the device.
  std::int64_t replaced() const;

 private:
  struct Place {
    const Disruption* disruption;
    at::Tensor heads;        // (heads, 1) bool
    at::Tensor clean;        // (heads, D) bool; undefined where the mask is found in the pass
    at::Tensor random_rank;  // (heads, D): place in the random order, for PickKind::Random
    at::Tensor indices;      // (covered heads), for Mask::Position, of whose positions `heads` and the random
                             // order are one for all
  };
  bool add_place(const Disruption& disruption, SiteId where, const AttentionSpec& attention,
                 const Capture& baseline, at::Device device);
  at::Tensor mask(const Place& place, const at::Tensor& x) const;
  void replace(const Place& place, at::Tensor& x, bool counts);

  std::vector<Disruption> disruptions_;
  std::map<SiteId, std::vector<Place>> places_;
  at::Tensor replaced_;  // () int64 on the device
  int first_layer_;
};

}  // namespace qkscope
