#include "core/text/tokenizer/byte_alphabet.h"

#include <array>

#include "core/text/tokenizer/characters.h"

namespace qkscope {
namespace {

/// byte of code point c < 324; -1 for none.
std::array<int, 324> make_bytes() {
  std::array<int, 324> bytes;
  bytes.fill(-1);
  std::size_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    bytes[printable ? static_cast<std::size_t>(byte) : next++] = byte;
  }
  return bytes;
}

}  // namespace

std::string alphabet_from_bytes(std::string_view bytes) {
  static const std::array<int, 256> codes = [] {
    std::array<int, 256> all{};
    const std::array<int, 324> of = make_bytes();
    for (std::size_t code = 0; code < of.size(); ++code) {
      if (of[code] >= 0) all[static_cast<std::size_t>(of[code])] = static_cast<int>(code);
    }
    return all;
  }();
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char byte : bytes) append_character(out, codes[static_cast<unsigned char>(byte)]);
  return out;
}

std::optional<std::string> bytes_from_alphabet(std::string_view token) {
  static const std::array<int, 324> bytes = make_bytes();
  std::string out;
  out.reserve(token.size());
  for (std::size_t i = 0; i < token.size(); ++i) {
    // The alphabet ends at U+0143, so one or two bytes a character.
    unsigned code = static_cast<unsigned char>(token[i]);
    if (code >= 0x80) {
      if (code < 0xC2 || code > 0xC5 || i + 1 == token.size()) return std::nullopt;
      code = (code & 0x1FU) << 6 | (static_cast<unsigned char>(token[++i]) & 0x3FU);
    }
    if (code >= bytes.size() || bytes[code] < 0) return std::nullopt;
    out += static_cast<char>(bytes[code]);
  }
  return out;
}

}  // namespace qkscope
