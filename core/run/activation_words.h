#pragma once
#include <string>
#include <vector>

#include "core/run/activation_edit.h"

namespace qkscope {

/// "0:507 *:3,7-9": positions and dims from 0, of ordered entries.
std::string format_activation_entries(const std::vector<ActivationEntry>& entries);

}  // namespace qkscope
