#pragma once
#include <QString>
#include <optional>

#include "app/names.h"

namespace qkscope {

/// What the values of qkscope's options are read with. Each throws Error naming the option (without its
/// dashes), what was found and what is allowed.
[[noreturn]] void refuseOption(const QString& option, const QString& found, const QString& allowed);
/// A number within the limits, with nothing before or after it.
std::optional<double> plainNumber(const QString& text, const Limits& limits);
double numberOption(const QString& option, const QString& text, const Limits& limits);
int integerOption(const QString& option, const QString& text, int low, int high);
template <class Enum>
Enum choiceOption(const QString& option, const QString& text) {
  const std::optional<Enum> value = fromName<Enum>(text);
  if (!value) refuseOption(option, text, allowedNames<Enum>());
  return *value;
}

/// The shortest text that reads back as the same number.
QString numberText(double value);

}  // namespace qkscope
