#include "views/colormap.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "views/colormap_tables.h"
#include "views/wide_loops.h"

namespace qkscope {

namespace {

ColorMap fromTable(const char* name, const char* table, bool diverging, QRgb under, QRgb over, QRgb nan) {
  ColorMap map{QString::fromLatin1(name), diverging, {}, under, over, nan};
  for (std::size_t i = 0; i < map.colors.size(); ++i) {
    map.colors[i] = 0xff000000 | QByteArray::fromRawData(table + 6 * i, 6).toUInt(nullptr, 16);
  }
  return map;
}

/// Integers in the order of the numbers: a NaN lies beyond the infinity of its sign.
inline std::int32_t ordered(std::int32_t bits) {
  return bits ^ (bits >> 31 & 0x7fffffff);
}

/// Least and most of ordered(), which are compared several at once: maps have millions of numbers. Of those
/// bits of the numbers that are in `kept`.
QKSCOPE_WIDE_LOOPS std::pair<std::int32_t, std::int32_t> ends(const NumberRows& values, std::int32_t kept) {
  std::int32_t least = std::numeric_limits<std::int32_t>::max(),
               most = std::numeric_limits<std::int32_t>::min();
  for (int row = 0; row < values.rows; ++row) {
    const float* numbers = values.row(row);
    for (int i = 0; i < values.columns; ++i) {
      const std::int32_t at = ordered(std::bit_cast<std::int32_t>(numbers[i]) & kept);
      least = std::min(least, at);
      most = std::max(most, at);
    }
  }
  return {least, most};
}

/// Value at `percent` of the sorted order, nearest rank.
float percentileOf(std::vector<float>& values, double percent) {
  const double rank = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(values.size() - 1);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::llround(rank));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace

QRgb ColorMap::at(double t) const {
  if (std::isnan(t)) return nan;
  if (t < 0) return under;
  if (t > 1) return over;
  return colors[static_cast<std::size_t>(std::min(255.0, t * 256.0))];
}

const std::vector<ColorMap>& colorMaps() {
  // Under, over and NaN are colours that the map itself never comes near; grey is one of cividis.
  static const std::vector<ColorMap> maps{
      fromTable("viridis", tables::viridis, false, 0xff101010, 0xffff3ea5, 0xff8c8c8c),
      fromTable("cividis", tables::cividis, false, 0xff101010, 0xffff3ea5, 0xffc04848),
      fromTable("magma", tables::magma, false, 0xff1f5f4f, 0xff3fe0ff, 0xff8c8c8c),
      fromTable("inferno", tables::inferno, false, 0xff1f5f4f, 0xff3fe0ff, 0xff8c8c8c),
      fromTable("plasma", tables::plasma, false, 0xff101010, 0xff3fe0ff, 0xff8c8c8c),
      fromTable("coolwarm", tables::coolwarm, true, 0xff00b894, 0xffffc400, 0xff8c8c8c),
      fromTable("RdBu_r", tables::rdbu_r, true, 0xff00b894, 0xffffc400, 0xff8c8c8c),
  };
  return maps;
}

QStringList colorMapNames() {
  QStringList names;
  for (const ColorMap& map : colorMaps()) names << map.name;
  return names;
}

const ColorMap& colorMap(const QString& name) {
  const auto& maps = colorMaps();
  const auto found =
      std::find_if(maps.begin(), maps.end(), [&](const ColorMap& map) { return map.name == name; });
  return found == maps.end() ? maps.front() : *found;
}

const ColorMap& divergingMap(const QString& name) {
  const ColorMap& map = colorMap(name);
  return map.diverging ? map : colorMaps().back();
}

ColorMap recedingMap(bool light) {
  ColorMap map = colorMap(QStringLiteral("magma"));
  if (!light) return map;
  std::reverse(map.colors.begin(), map.colors.end());
  map.name += QStringLiteral("_r");
  return map;
}

double ColorNorm::forward(double value) const {
  switch (scale) {
    case ColorScale::Linear:
      return value;
    case ColorScale::Log:
      return std::log(value);
    case ColorScale::SymLog:
      break;
  }
  // matplotlib's SymLogNorm with linscale 1: linear up to the threshold, then a decade as wide as the linear
  // part.
  const double magnitude = std::abs(value);
  const double mapped =
      magnitude <= linear_below ? magnitude / linear_below : 1.0 + std::log10(magnitude / linear_below);
  return std::copysign(mapped, value);
}

double ColorNorm::backward(double mapped) const {
  switch (scale) {
    case ColorScale::Linear:
      return mapped;
    case ColorScale::Log:
      return std::exp(mapped);
    case ColorScale::SymLog:
      break;
  }
  const double magnitude = std::abs(mapped);
  const double value =
      magnitude <= 1 ? magnitude * linear_below : linear_below * std::pow(10.0, magnitude - 1.0);
  return std::copysign(value, mapped);
}

double ColorNorm::operator()(double value) const {
  if (std::isnan(value)) return value;
  if (std::isinf(value)) return value;
  if (value < low) return -std::numeric_limits<double>::min();
  if (value > high) return std::nextafter(1.0, 2.0);
  const double from = forward(low), to = forward(high);
  if (!(to > from)) return value < high ? 0.0 : 1.0;
  return std::clamp((forward(value) - from) / (to - from), 0.0, 1.0);
}

double ColorNorm::inverse(double t) const {
  const double from = forward(low), to = forward(high);
  return backward(from + t * (to - from));
}

ColorNorm ColorNorm::symmetric(ColorScale scale, double magnitude, double linear_below) {
  return {scale, -magnitude, magnitude, linear_below};
}

ValueRange ValueRange::of(const NumberRows& values) {
  ValueRange range;
  if (values.empty()) return range;
  const auto [least, most] = ends(values, values.magnitudes ? 0x7fffffff : -1);
  constexpr auto infinity = std::bit_cast<std::int32_t>(std::numeric_limits<float>::infinity());
  constexpr auto minus_infinity = std::bit_cast<std::int32_t>(-std::numeric_limits<float>::infinity());
  if (least > ordered(minus_infinity) && most < infinity) {
    const auto number = [](std::int32_t at) { return std::bit_cast<float>(at ^ (at >> 31 & 0x7fffffff)); };
    range.least = number(least);
    range.most = number(most);
    return range;
  }
  values.each([&](float value) {
    if (std::isfinite(value)) {
      range.least = std::min(range.least, value);
      range.most = std::max(range.most, value);
    } else {
      ++(std::isnan(value) ? range.nan : range.infinite);
    }
  });
  return range;
}

ColorNorm fitNorm(const std::vector<RangedValues>& values, const Look& look, bool diverging) {
  ValueRange all;
  for (const RangedValues& part : values) {
    all.least = std::min(all.least, part.range.least);
    all.most = std::max(all.most, part.range.most);
  }
  if (all.most < all.least) all.least = all.most = 0;  // there is none
  const bool is_signed = all.least < 0;

  ColorNorm norm;
  norm.scale = look.scale;
  if (norm.scale == ColorScale::Log && (is_signed || diverging)) norm.scale = ColorScale::SymLog;
  switch (look.range) {
    case ColorRange::Full:
      norm.low = is_signed || norm.scale == ColorScale::Log ? all.least : 0.0;
      norm.high = all.most;
      break;
    case ColorRange::Percentile: {
      std::vector<float> finite;
      for (const RangedValues& part : values) {
        part.values.each([&](float value) {
          if (std::isfinite(value)) finite.push_back(value);
        });
      }
      if (finite.empty()) finite.push_back(0);
      norm.low = percentileOf(finite, 100.0 - look.percentile);
      norm.high = percentileOf(finite, look.percentile);
      break;
    }
    case ColorRange::Exact:
      norm.low = look.exact_low;
      norm.high = look.exact_high;
      break;
  }
  if (norm.scale == ColorScale::Log && norm.low <= 0) {
    float least_positive = std::numeric_limits<float>::infinity();
    for (const RangedValues& part : values) {
      part.values.each([&](float value) {
        if (value > 0) least_positive = std::min(least_positive, value);
      });
    }
    norm.low = std::isfinite(least_positive) ? least_positive : 1e-3;
  }
  if (diverging) {
    norm.high = std::max(std::abs(norm.low), std::abs(norm.high));
    norm.low = -norm.high;
  }
  // All equal, or limits the wrong way round: a scale about that one value, which at least draws and is
  // labelled.
  if (!(norm.high > norm.low)) {
    const double margin = std::max(std::abs(norm.low) * 1e-3, 1e-6);
    norm.high = norm.low + margin;
    if (diverging) norm.low -= margin;
  }
  if (norm.scale == ColorScale::SymLog) {
    norm.linear_below = std::max(std::abs(norm.low), std::abs(norm.high)) / 100.0;
  }
  return norm;
}

}  // namespace qkscope
