#pragma once
#include <QString>
#include <optional>

#include "views/map_model.h"

namespace qkscope {

/// The lowest and the highest value of a colour scale.
struct ColorLimits {
  double low = 0, high = 1;
  bool operator==(const ColorLimits&) const = default;
};

/// "0 50", "0,50", "-1.5; 2e3": two finite numbers, the lower one first; nothing for anything else.
std::optional<ColorLimits> readColorLimits(const QString& text);
/// The text that is read back as these very numbers.
QString colorLimitsText(const ColorLimits& limits);
/// The limits that a picture is drawn with; nothing where it has no colours yet.
std::optional<ColorLimits> shownLimits(const MapModel& picture);

}  // namespace qkscope
