#pragma once
#include <QColor>
#include <QString>
#include <QStringList>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "views/number_rows.h"
#include "views/view_state.h"

namespace qkscope {

/// Colour of +-infinity, which no map comes near.
inline constexpr QRgb infinite_color = 0xff2bff5e;

/// 256 colours from low to high, and those of values that are no point of the scale.
struct ColorMap {
  QString name;            // matplotlib's: "viridis"
  bool diverging = false;  // light in the middle: for signed values, zero in the middle
  std::array<QRgb, 256> colors{};
  QRgb under = 0, over = 0, nan = 0;

  /// `t` in 0..1; below and above give under and over, NaN gives nan.
  QRgb at(double t) const;
};

/// viridis, cividis, magma, inferno, plasma, coolwarm, RdBu_r, in the order menus show them.
const std::vector<ColorMap>& colorMaps();
/// Their names.
QStringList colorMapNames();
/// By name; viridis where the name is unknown (as it may be in an old settings file).
const ColorMap& colorMap(const QString& name);
/// The map that `look` means for signed values: its own if that is diverging, else RdBu_r.
const ColorMap& divergingMap(const QString& name);
/// magma, turned round on light ground: small values recede into the ground, large ones stand out of it.
ColorMap recedingMap(bool light);

/// Where a value lies on a colour scale: 0 at `low`, 1 at `high`. Value type; compare to see whether pixels
/// are stale.
struct ColorNorm {
  ColorScale scale = ColorScale::Linear;
  double low = 0, high = 1;
  double linear_below = 0;  // SymLog: linear where |value| < this

  /// NaN for NaN and for what a logarithm cannot take unless it is below `low` (then below 0); +-inf for
  /// infinities.
  double operator()(double value) const;
  /// The value at `t`, for ticks.
  double inverse(double t) const;
  /// The same limits, mirrored about zero, so that zero is the middle of a diverging map.
  static ColorNorm symmetric(ColorScale scale, double magnitude, double linear_below = 0);

  bool operator==(const ColorNorm&) const = default;

 private:
  double forward(double value) const;
  double backward(double mapped) const;
};

/// The least and the most of the finite numbers among others (`most` below `least` where there is none), and
/// how many are not finite.
struct ValueRange {
  float least = std::numeric_limits<float>::infinity(), most = -std::numeric_limits<float>::infinity();
  std::int64_t nan = 0, infinite = 0;

  static ValueRange of(const NumberRows& values);
};

/// Numbers and their range, which those who have it need not look for again.
struct RangedValues {
  NumberRows values;
  ValueRange range;

  RangedValues(NumberRows numbers, const ValueRange& known) : values(std::move(numbers)), range(known) {}
  /// Of numbers that outlive this.
  RangedValues(const std::vector<float>* numbers)
      : values{nullptr, numbers->data(), 1, static_cast<int>(numbers->size()), 0},
        range(ValueRange::of(values)) {}
};

/// Limits that `look` asks for over `values` (several arrays that share a scale). Non-negative values start
/// at 0 on a linear scale; `diverging` makes the limits symmetric about 0, so that non-negative values use
/// the upper half. Log of signed values becomes SymLog. Infinities and NaN do not count.
ColorNorm fitNorm(const std::vector<RangedValues>& values, const Look& look, bool diverging);

}  // namespace qkscope
