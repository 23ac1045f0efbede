#pragma once
#include "core/base/capture.h"
#include "core/model/spec.h"
#include "core/run/disruption.h"
#include "core/run/edit_place.h"

namespace qkscope {

/// The places where a disruption has columns to replace, as far as can be known beforehand: clean masks are
/// resolved and on the device, live masks are found in the pass itself with tensor operations, so that
/// nothing in the layer loop waits for the device. `baseline` holds M of the undisrupted pass for those that
/// read it (Disruption::reads_baseline); throws Error where it has none.
void add_places(const Disruption& disruption, const ModelSpec& spec, const Capture& baseline,
                at::Device device, EditPlaces& places);

}  // namespace qkscope
