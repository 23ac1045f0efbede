#pragma once
#include <c10/core/Device.h>

#include "core/base/capture.h"
#include "core/model/spec.h"
#include "core/run/activation_edit.h"
#include "core/run/edit_place.h"

namespace qkscope {

/// The places where an edit has activations to set, found in the summaries of `baseline`, the undisrupted
/// pass, where it finds them by a rule. Throws Error where those are not there, or a mean that is wanted.
void add_places(const ActivationEdit& edit, const ModelSpec& spec, const Capture& baseline, at::Device device,
                EditPlaces& places);

}  // namespace qkscope
