#include <array>
#include <cmath>
#include <tuple>

#include "core/base/blanks.h"
#include "core/run/disruption.h"
#include "core/run/option_settings.h"
#include "core/run/rotation_edit.h"

namespace qkscope {

namespace {

constexpr std::string_view subject = "Rotation";
constexpr std::string_view first_key = "rotation";

using Instead = RotationEdit::Instead;
constexpr std::array<std::pair<std::string_view, Instead>, 3> substitutes = {
    {{"none", Instead::None}, {"fastest", Instead::Fastest}, {"random", Instead::Random}}};
constexpr std::array<std::pair<std::string_view, std::pair<bool, bool>>, 3> sites = {
    {{"qk", {true, true}}, {"q", {true, false}}, {"k", {false, true}}}};

/// "1000:", ":6.5", "10:100"
void set_wavelengths(RotationEdit& e, std::string_view text) {
  constexpr auto forms = "all or FROM:TO in positions, either of them left out, FROM below TO";
  if (text == "all") return;
  const auto colon = text.find(':');
  const std::string_view from = text.substr(0, colon),
                         to = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const auto bound = [&](std::string_view part, double& value) {
    if (part.empty()) return;
    const auto read = number<double>(part);
    if (!read || !std::isfinite(*read) || *read < 0) refuse_setting(subject, "wavelengths", text, forms);
    value = *read;
  };
  if (colon == text.npos || (from.empty() && to.empty())) refuse_setting(subject, "wavelengths", text, forms);
  bound(from, e.shortest);
  bound(to, e.longest);
  if (!(e.shortest < e.longest)) refuse_setting(subject, "wavelengths", text, forms);
}

void set(RotationEdit& e, std::string_view key, std::string_view text) {
  if (key == first_key) {
    if (text != "off") refuse_setting(subject, key, text, "off");
  } else if (key == "site") {
    std::tie(e.query, e.key) = value_of<std::pair<bool, bool>>(sites, subject, key, text);
  } else if (key == "layers") {
    e.layers = parse_ranges(text, "Rotation: layers");
  } else if (key == "pairs") {
    e.pairs = parse_ranges(text, "Rotation: pairs", 0);
  } else if (key == "wavelengths") {
    set_wavelengths(e, text);
  } else if (key == "instead") {
    e.instead = value_of<Instead>(substitutes, subject, key, text);
  } else if (key == "seed") {
    const auto seed = number<std::uint64_t>(text);
    if (!seed) refuse_setting(subject, key, text, "a whole number from 0");
    e.seed = *seed;
  } else {
    throw Error("Rotation: unknown key " + in_quotes(key) +
                ", expected one of rotation, site, pairs, wavelengths, layers, instead, seed");
  }
}

}  // namespace

bool is_rotation_edit(std::string_view text) {
  text = without_blanks(text);
  return text.starts_with(first_key) && without_blanks(text.substr(first_key.size())).starts_with('=');
}

std::string to_option(const RotationEdit& e) {
  std::string text = "rotation=off,site=";
  text += name_of<std::pair<bool, bool>>(sites, {e.query, e.key});
  text += ",pairs=" + (e.pairs.empty() ? "all" : format_ranges(e.pairs, 0)) + ",wavelengths=";
  const bool any = e.shortest > 0 || std::isfinite(e.longest);
  text +=
      any ? number_text(e.shortest) + ":" + (std::isfinite(e.longest) ? number_text(e.longest) : "") : "all";
  text += ",layers=" + format_ranges(e.layers) + ",instead=";
  text += name_of<Instead>(substitutes, e.instead);
  if (e.instead == Instead::Random) text += ",seed=" + std::to_string(e.seed);
  return text;
}

RotationEdit parse_rotation_edit(std::string_view text) {
  RotationEdit edit;
  const Settings settings = read_settings(text, subject);
  for (const auto& [key, value] : settings) set(edit, key, value);
  const auto seed = std::ranges::find(settings, "seed", &Settings::value_type::first);
  if (seed != settings.end() && edit.instead != Instead::Random)
    throw Error("Rotation: " + in_quotes("seed=" + seed->second) + " goes with instead=random alone");
  return edit;
}

}  // namespace qkscope
