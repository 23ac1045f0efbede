#include "core/io/python_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace qkscope {

namespace {

template <typename... How>
std::string in_characters(double value, How... how) {
  char buffer[512];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, how...);
  return {buffer, end.ptr};
}

std::string special_text(double value) {
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

std::string hexadecimal(UChar32 code, int digits) {
  static constexpr char figures[] = "0123456789abcdef";
  std::string text;
  for (int digit = digits - 1; digit >= 0; --digit) text += figures[(code >> (4 * digit)) & 15];
  return text;
}

bool is_printable(UChar32 code) {
  constexpr std::uint32_t others = U_GC_C_MASK | U_GC_Z_MASK;
  return code == ' ' || (U_GET_GC_MASK(code) & others) == 0;
}

/// One number of a tensor; the format is that of all of them.
enum class Format { Whole, Fixed, Scientific };
std::string number_of(double value, Format format) {
  if (!std::isfinite(value)) return special_text(value);
  if (format == Format::Whole) return in_characters(value, std::chars_format::fixed, 0) + ".";
  return in_characters(value,
                       format == Format::Fixed ? std::chars_format::fixed : std::chars_format::scientific, 4);
}

Format format_of(const std::vector<double>& sizes, bool whole) {  // of what is finite and not 0
  if (sizes.empty()) return Format::Whole;
  const auto [low, high] = std::ranges::minmax(sizes);
  const bool wide = high / low > 1000 || high > 1e8 || (!whole && low < 1e-4);
  return wide ? Format::Scientific : whole ? Format::Whole : Format::Fixed;
}

}  // namespace

std::string python_text(double value) {
  if (!std::isfinite(value)) return special_text(value);
  const std::string scientific = in_characters(value, std::chars_format::scientific);
  const std::size_t e = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + e + 1);
  if (value != 0 && (exponent < -4 || exponent >= 16)) return scientific;
  std::string fixed = in_characters(value, std::chars_format::fixed);
  return fixed.find('.') == fixed.npos ? fixed + ".0" : fixed;
}

std::string python_text(std::string_view text) {
  const bool doubled = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = doubled ? '"' : '\'';
  std::string result(1, quote);
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t begin = at;
    UChar32 code = 0;
    U8_NEXT_OR_FFFD(text.data(), at, size, code);
    if (code == quote || code == '\\') {
      result += '\\';
      result += static_cast<char>(code);
    } else if (code == '\n' || code == '\r' || code == '\t') {
      result += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    } else if (code == 0xFFFD) {
      result += "\xEF\xBF\xBD";  // also for what is malformed
    } else if (is_printable(code)) {
      result += text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(at - begin));
    } else {
      result += code < 0x100     ? "\\x" + hexadecimal(code, 2)
                : code < 0x10000 ? "\\u" + hexadecimal(code, 4)
                                 : "\\U" + hexadecimal(code, 8);
    }
  }
  return result + quote;
}

std::string python_text(const std::vector<int>& list) {
  std::string text = "[";
  for (const int each : list) text += (text.size() > 1 ? ", " : "") + std::to_string(each);
  return text + "]";
}

std::string torch_text(const std::vector<float>& row) {
  constexpr std::size_t line_width = 80, indent = 8;  // behind "tensor(["
  std::vector<double> sizes;
  bool whole = true;
  for (const float value : row) {
    if (!std::isfinite(value) || value == 0.0F) continue;
    sizes.push_back(std::abs(static_cast<double>(value)));
    whole &= std::ceil(value) == value;
  }
  const Format format = format_of(sizes, whole);
  std::vector<std::string> texts;
  std::size_t width = 1;
  for (const float value : row) {
    texts.push_back(number_of(static_cast<double>(value), format));
    // The width is that of what is finite and not 0.
    if (std::isfinite(value) && value != 0.0F) width = std::max(width, texts.back().size());
  }
  const std::size_t in_line = std::max<std::size_t>(1, (line_width - indent) / (width + 2));
  std::string text = "tensor([[";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) text += i % in_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
    if (texts[i].size() < width) text += std::string(width - texts[i].size(), ' ');
    text += texts[i];
  }
  return text + "]])";
}

}  // namespace qkscope
