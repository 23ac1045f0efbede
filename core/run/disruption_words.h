#pragma once
#include <string_view>

#include "core/run/disruption.h"

namespace qkscope {

/// The words options and descriptions of a disruption are made of.
std::string_view kind_name(PickKind kind);
std::string_view replace_name(Replace replace);
std::string_view pool_name(Pool pool);
std::string_view mask_name(Mask mask);
std::string_view phase_name(Phase phase);

}  // namespace qkscope
