#include "app/option_text.h"

#include <QCoreApplication>
#include <QLocale>

#include "app/usage_error.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

/// Qt's own readers forgive blanks around a number.
bool isBare(const QString& text) {
  return text == text.trimmed();
}

}  // namespace

void refuseOption(const QString& option, const QString& found, const QString& allowed) {
  throw UsageError(tr("--%1 is \"%2\", but must be %3.").arg(option, found, allowed).toStdString());
}

std::optional<double> plainNumber(const QString& text, const Limits& limits) {
  bool ok = false;
  const double value = text.toDouble(&ok);
  if (!ok || !isBare(text) || !(value >= limits.low && value <= limits.high)) return std::nullopt;
  return value;
}

double numberOption(const QString& option, const QString& text, const Limits& limits) {
  const std::optional<double> value = plainNumber(text, limits);
  if (!value) {
    refuseOption(option, text,
                 tr("a number from %1 to %2").arg(numberText(limits.low), numberText(limits.high)));
  }
  return *value;
}

int integerOption(const QString& option, const QString& text, int low, int high) {
  bool ok = false;
  const int value = text.toInt(&ok);
  if (!ok || !isBare(text) || value < low || value > high) {
    refuseOption(option, text, tr("a whole number from %1 to %2").arg(low).arg(high));
  }
  return value;
}

QString numberText(double value) {
  return QString::number(value, 'g', QLocale::FloatingPointShortest);
}

}  // namespace qkscope
