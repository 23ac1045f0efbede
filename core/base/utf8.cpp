#include "core/base/utf8.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

namespace qkscope {

std::size_t character_length(std::string_view text) {
  // Four bytes decide; ICU's macros want a 32-bit length, which a long text would overflow.
  const auto length = static_cast<std::int32_t>(std::min<std::size_t>(text.size(), 4));
  if (length == 0) return 0;
  std::int32_t end = 0;
  UChar32 code = 0;
  U8_NEXT(text.data(), end, length, code);
  return code < 0 ? 0 : static_cast<std::size_t>(end);
}

namespace {

/// Length of the malformed sequence at the front of `text`, which is not empty and begins no character.
std::size_t malformed_length(std::string_view text) {
  const auto length = static_cast<std::int32_t>(std::min<std::size_t>(text.size(), 4));
  std::int32_t end = 0;
  UChar32 code = 0;
  U8_NEXT(text.data(), end, length, code);
  return static_cast<std::size_t>(end);
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t good = 0;
    while (const std::size_t length = character_length(text.substr(good))) good += length;
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(malformed_length(text));
  }
  return out;
}

std::size_t incomplete_tail(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    const auto lead = static_cast<std::uint8_t>(tail.front());
    if (U8_IS_TRAIL(lead)) continue;
    if (!U8_IS_LEAD(lead) || character_length(tail) != 0) return 0;
    // A lead byte with too few bytes after it; those there may already be wrong (0xE0 0x80).
    return malformed_length(tail) == back ? back : 0;
  }
  return 0;
}

}  // namespace qkscope
