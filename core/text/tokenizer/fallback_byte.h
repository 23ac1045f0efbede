#pragma once
#include <charconv>
#include <optional>
#include <string_view>

namespace qkscope {

/// The byte of a token written "<0xE6>", as sentencepiece writes those of characters it has no token for.
inline std::optional<unsigned char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  if (token.find_first_of("abcdef") != token.npos) return std::nullopt;  // capital digits only
  unsigned char byte = 0;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  if (error != std::errc() || end != token.data() + 5) return std::nullopt;
  return byte;
}

}  // namespace qkscope
