#pragma once
#include <cstdint>
#include <set>

#include "core/base/capture.h"

namespace qkscope {

/// Memory of the arrays of `capture` without those that are in `counted` already, which they join: captures
/// share arrays.
std::uint64_t bytes_of(const Capture& capture, std::set<const Array*>& counted);
std::uint64_t bytes_of(const Capture& capture);

}  // namespace qkscope
