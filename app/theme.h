#pragma once
#include "app/settings.h"

namespace qkscope {

/// Fusion with a palette and a small style sheet of our own, light, dark or of high contrast; type Inter
/// where it is installed. Everything else takes its colours from the palette.
void applyTheme(Theme theme, double ui_scale);

}  // namespace qkscope
