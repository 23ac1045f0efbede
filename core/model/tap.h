#pragma once
#include <ATen/core/Tensor.h>

#include "core/base/site.h"
#include "core/model/blocks/rotary.h"

namespace qkscope {

/// Every interesting intermediate of a forward pass goes through a tap, and what the tap returns goes on.
/// Capture, disruption and cancellation live behind this one interface; the decoder knows nothing of them.
class Tap {
 public:
  virtual ~Tap() = default;
  /// Asked before AttnScores and AttnPattern, which fused attention never computes.
  virtual bool wants(SiteId /*id*/) const { return false; }
  /// Called within a layer wherever its work goes on for long, on a CPU several times a second: `part` of the
  /// layer, 0 to 1, is done. May throw Cancelled.
  virtual void pulse(int /*layer*/, double /*part*/) {}
  /// The angles by which Q (Site::Query) or K (Site::Key) of a layer are about to be turned; those that are
  /// returned, of the same shape, do it.
  virtual Rotation rotation(SiteId /*id*/, const Rotation& angles) { return angles; }
  /// `x` has the shape core/model/site.h names; the result must have it too. Never write into `x`.
  virtual at::Tensor operator()(SiteId /*id*/, at::Tensor x) { return x; }
};

}  // namespace qkscope
