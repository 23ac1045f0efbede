#pragma once
#include <QString>
#include <optional>

#include "views/view_state.h"

namespace qkscope {

/// "0 50", "0,50", "-1.5; 2e3": two finite numbers, the lower one first; nothing for anything else.
std::optional<ColorLimits> readColorLimits(const QString& text);
/// The text that is read back as these very numbers.
QString colorLimitsText(const ColorLimits& limits);

}  // namespace qkscope
