#include "core/text/tokenizer/base64.h"

#include <array>

namespace qkscope {
namespace {

/// Values of the 64 digits by character; -1 for others.
constexpr std::array<int, 256> values = [] {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int, 256> all{};
  all.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    all[static_cast<unsigned char>(digits[i])] = static_cast<int>(i);
  return all;
}();

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const int digit = values[static_cast<unsigned char>(text[i])];
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(digit);
    if (const std::size_t place = i % 4; place > 0)
      bytes += static_cast<char>(bits >> (6 - 2 * place) & 0xFF);
  }
  return bytes;
}

}  // namespace qkscope
