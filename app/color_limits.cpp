#include "app/color_limits.h"

#include <QLocale>
#include <QRegularExpression>
#include <QStringList>
#include <cmath>

namespace qkscope {

std::optional<ColorLimits> readColorLimits(const QString& text) {
  static const QRegularExpression between(QStringLiteral("\\s*[,;]\\s*|\\s+"));
  const QStringList numbers = text.trimmed().split(between);
  if (numbers.size() != 2) return std::nullopt;
  bool low_ok = false, high_ok = false;
  const ColorLimits limits{numbers[0].toDouble(&low_ok), numbers[1].toDouble(&high_ok)};
  const bool finite = std::isfinite(limits.low) && std::isfinite(limits.high);
  return low_ok && high_ok && finite && limits.low < limits.high ? std::optional(limits) : std::nullopt;
}

QString colorLimitsText(const ColorLimits& limits) {
  const auto number = [](double value) {
    return QString::number(value, 'g', QLocale::FloatingPointShortest);
  };
  return number(limits.low) + QStringLiteral(", ") + number(limits.high);
}

}  // namespace qkscope
