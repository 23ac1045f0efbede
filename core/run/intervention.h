#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <set>

#include "core/model/blocks/rotary.h"
#include "core/model/spec.h"
#include "core/run/edit.h"
#include "core/run/edit_place.h"
#include "core/run/run.h"

namespace qkscope {

/// Edits made ready for one pass on one device.
class Intervention {
 public:
  /// `baseline` holds what needs_of() names, of the undisrupted pass. Throws Error for what the model has
  /// not.
  Intervention(const Edits& edits, const ModelSpec& spec, const Capture& baseline, at::Device device);

  /// What the edits read of the baseline.
  static Needs needs_of(const Edits& edits);

  /// The first layer with something to replace, as far as can be known beforehand; num_layers where there is
  /// none.
  int first_layer() const;
  /// Whether some edit that has something to replace goes on after the prefill.
  bool every_step() const;
  /// `x`, which went through the tap at `where`, with the edits made; `x` itself, untouched, where none
  /// covers the place. `prefill`: phase of this pass.
  at::Tensor apply(SiteId where, const at::Tensor& x, bool prefill);
  /// The angles by which Q (Site::Query) or K (Site::Key) of a layer turn, those of stopped pairs zero.
  Rotation rotation(SiteId where, const Rotation& clean, bool prefill);
  /// False where an edit of this place asks that later steps read the clean keys and values.
  bool reaches_kv_cache(SiteId where) const;
  /// Columns replaced or not rotated in prefills since construction, of Mask::Position the (position, dim)
  /// entries; waits for the device.
  std::int64_t replaced() const;

 private:
  void stop(const RotationEdit& edit, const ModelSpec& spec);

  EditPlaces places_;
  struct Stopped {
    std::set<std::int64_t> pairs;
    double factor = 1;  // what RoPE multiplies a pair by that turns by nothing
    int heads = 0;
  };
  std::map<SiteId, Stopped> stopped_;
  at::Tensor replaced_;  // () int64 on the device
  int num_layers_;
};

}  // namespace qkscope
