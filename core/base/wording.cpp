#include "core/base/wording.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/utf8.h"

namespace qkscope {

std::string in_quotes(std::string_view name) {
  constexpr std::size_t longest = 300;
  std::string text = valid_utf8(name.substr(0, longest));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (name.size() > longest) text += "...";
  return "'" + text + "'";
}

std::string number_text(double value) {
  char text[32];
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e15);  // else "100000" would come out as "1e+05"
  const auto end = plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                         : std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::string time_text(double ms) {
  const double seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
  const auto whole = [](double value) { return number_text(std::ceil(value)); };
  if (seconds < 90) return whole(seconds) + " s";
  return minutes < 90 ? whole(minutes) + " min" : number_text(std::round(10 * hours) / 10) + " h";
}

std::string short_json(const nlohmann::json& value) {
  constexpr std::size_t longest = 60;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  if (text.size() > longest) {
    text.resize(longest);
    text += "...";
  }
  return text;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + ")";
}

bool element_count(std::span<const std::int64_t> shape, std::int64_t& count) {
  count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return false;
  }
  return true;
}

}  // namespace qkscope
