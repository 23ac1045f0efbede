#pragma once
#include <QString>
#include <QStringList>
#include <array>
#include <optional>
#include <utility>

#include "app/settings.h"
#include "views/prompt.h"
#include "views/view_state.h"

namespace qkscope {

/// The words that stand for enum values in documents, sidecars and on the command line: an interface, so
/// never translated and never changed.
template <class Enum>
struct Names;

template <>
struct Names<PromptKind> {
  static constexpr std::array table{std::pair{PromptKind::Context, "context"},
                                    std::pair{PromptKind::Memory, "memory"},
                                    std::pair{PromptKind::Free, "free"}};
};
template <>
struct Names<Bos> {
  static constexpr std::array table{std::pair{Bos::Auto, "auto"}, std::pair{Bos::On, "on"},
                                    std::pair{Bos::Off, "off"}};
};
template <>
struct Names<Picture> {
  static constexpr std::array table{std::pair{Picture::HeadsDims, "heads-dims"},
                                    std::pair{Picture::PositionsDims, "positions-dims"},
                                    std::pair{Picture::AllLayers, "all-layers"}};
};
template <>
struct Names<Shown> {
  static constexpr std::array table{std::pair{Shown::Baseline, "baseline"},
                                    std::pair{Shown::Disrupted, "disrupted"},
                                    std::pair{Shown::Difference, "difference"}};
};
template <>
struct Names<ColorScale> {
  static constexpr std::array table{std::pair{ColorScale::Linear, "linear"},
                                    std::pair{ColorScale::Log, "log"},
                                    std::pair{ColorScale::SymLog, "symlog"}};
};
template <>
struct Names<ColorRange> {
  static constexpr std::array table{std::pair{ColorRange::Full, "full"},
                                    std::pair{ColorRange::Percentile, "percentile"},
                                    std::pair{ColorRange::Exact, "exact"}};
};

template <>
struct Names<TokenColors> {
  static constexpr std::array table{
      std::pair{TokenColors::None, "none"}, std::pair{TokenColors::Baseline, "baseline"},
      std::pair{TokenColors::Disrupted, "disrupted"}, std::pair{TokenColors::Change, "change"}};
};

template <>
struct Names<PaperPart> {
  static constexpr std::array table{
      std::pair{PaperPart::Table1, "table-1"},     std::pair{PaperPart::Figure3a, "figure-3a"},
      std::pair{PaperPart::Figure3b, "figure-3b"}, std::pair{PaperPart::Figure3c, "figure-3c"},
      std::pair{PaperPart::Figure5, "figure-5"},   std::pair{PaperPart::Table3, "table-3"}};
};
template <>
struct Names<PaperLayout> {
  static constexpr std::array table{std::pair{PaperLayout::Published, "published"},
                                    std::pair{PaperLayout::ByTask, "by-task"}};
};

template <>
struct Names<Theme> {
  static constexpr std::array table{std::pair{Theme::Light, "light"}, std::pair{Theme::Dark, "dark"},
                                    std::pair{Theme::HighContrast, "high-contrast"},
                                    std::pair{Theme::System, "system"}};
};

template <class Enum>
QString nameOf(Enum value) {
  for (const auto& [known, name] : Names<Enum>::table) {
    if (known == value) return QString::fromLatin1(name);
  }
  return {};
}

template <class Enum>
std::optional<Enum> fromName(const QString& text) {
  for (const auto& [value, name] : Names<Enum>::table) {
    if (text == QLatin1String(name)) return value;
  }
  return std::nullopt;
}

/// "linear, log or symlog": for error messages.
inline QString orList(QStringList names) {
  const QString last = names.takeLast();
  return names.isEmpty() ? last : names.join(QStringLiteral(", ")) + QStringLiteral(" or ") + last;
}
template <class Enum>
QString allowedNames() {
  QStringList names;
  for (const auto& [value, name] : Names<Enum>::table) names << QString::fromLatin1(name);
  return orList(names);
}

/// What a Look's numbers may be, in documents and on the command line.
struct Limits {
  double low, high;
};
inline constexpr Limits rope_theta_limits{1, 1e12};
inline constexpr Limits lambda_limits{0, 1e6}, activation_limits{0, 1e9}, percentile_limits{50, 100},
    color_limits{-1e30, 1e30};

}  // namespace qkscope
