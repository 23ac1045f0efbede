#include "app/look_options.h"

#include <QCoreApplication>

#include "app/option_text.h"
#include "views/colormap.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Options", text);
}

/// One of the values of an enum.
template <class Enum>
LookOption choice(const QString& name, Enum Look::*member) {
  return {name, allowedNames<Enum>() + u'.', QStringLiteral("WHICH"),
          [name, member](Look& look, const QString& text) { look.*member = choiceOption<Enum>(name, text); },
          [member](const Look& look) { return nameOf(look.*member); }};
}

/// Sets a member to `value`.
LookOption flag(const QString& name, const QString& about, bool Look::*member, bool value) {
  return {name,
          about,
          {},
          [member, value](Look& look, const QString&) { look.*member = value; },
          [member, value](const Look& look) {
            return look.*member == value ? std::optional(QString()) : std::nullopt;
          }};
}

void readRange(Look& look, const QString& text) {
  const QString option = QStringLiteral("range");
  const QString kind = text.section(u':', 0, 0), rest = text.section(u':', 1);
  const std::optional<ColorRange> range = fromName<ColorRange>(kind);
  const QStringList numbers = rest.isEmpty() ? QStringList() : rest.split(u',');
  const auto counts = [](ColorRange wanted) -> qsizetype {
    return wanted == ColorRange::Full ? 0 : wanted == ColorRange::Percentile ? 1 : 2;
  };
  if (!range || numbers.size() != counts(*range) || (*range == ColorRange::Full && kind != text))
    refuseOption(option, text, tr("full, percentile:99 or exact:LOW,HIGH"));
  if (range == ColorRange::Percentile) {
    const auto percentile = plainNumber(numbers[0], percentile_limits);
    if (!percentile) {
      refuseOption(
          option, text,
          tr("percentile:P with P from %1 to %2").arg(percentile_limits.low).arg(percentile_limits.high));
    }
    look.percentile = *percentile;
  }
  if (range == ColorRange::Exact) {
    const auto low = plainNumber(numbers[0], color_limits), high = plainNumber(numbers[1], color_limits);
    if (!low || !high || !(*low < *high))
      refuseOption(option, text, tr("exact:LOW,HIGH with the number LOW below the number HIGH"));
    look.exact_low = *low;
    look.exact_high = *high;
  }
  look.range = *range;
}

QString writeRange(const Look& look) {
  const QString name = nameOf(look.range);
  if (look.range == ColorRange::Percentile) return name + u':' + numberText(look.percentile);
  if (look.range == ColorRange::Exact)
    return name + u':' + numberText(look.exact_low) + u',' + numberText(look.exact_high);
  return name;
}

}  // namespace

std::vector<LookOption> lookOptions() {
  std::vector<LookOption> options;
  options.push_back(choice(QStringLiteral("picture"), &Look::picture));
  options.push_back(choice(QStringLiteral("shown"), &Look::shown));
  options.push_back(
      flag(QStringLiteral("before-rope"), tr("Q and K before the rotation."), &Look::after_rope, false));
  options.push_back(flag(QStringLiteral("after-rope"), tr("Q and K after the rotation (the default)."),
                         &Look::after_rope, true));
  options.push_back({QStringLiteral("lambda"),
                     tr("Outline entries over this many times the mean of their head (5)."),
                     QStringLiteral("X"),
                     [](Look& look, const QString& text) {
                       look.lambda = numberOption(QStringLiteral("lambda"), text, lambda_limits);
                     },
                     [](const Look& look) { return numberText(look.lambda); }});
  options.push_back({QStringLiteral("color-map"), orList(colorMapNames()) + u'.', QStringLiteral("NAME"),
                     [](Look& look, const QString& text) {
                       if (!colorMapNames().contains(text))
                         refuseOption(QStringLiteral("color-map"), text, orList(colorMapNames()));
                       look.color_map = text;
                     },
                     [](const Look& look) { return colorMap(look.color_map).name; }});
  options.push_back(choice(QStringLiteral("scale"), &Look::scale));
  options.push_back({QStringLiteral("range"),
                     tr("Limits of the colours: full, percentile:99 or exact:LOW,HIGH."),
                     QStringLiteral("WHICH"), readRange, writeRange});
  options.push_back(flag(QStringLiteral("separate-scales"),
                         tr("Q, K and V each with a colour scale of its own."), &Look::one_scale, false));
  options.push_back(flag(QStringLiteral("one-scale"), tr("Q, K and V on one colour scale (the default)."),
                         &Look::one_scale, true));
  return options;
}

}  // namespace qkscope
