#pragma once
#include <unicode/utf8.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qkscope {

/// The character at the front of a text that is not empty, and the one at its end.
UChar32 first_character(std::string_view text);
UChar32 last_character(std::string_view text);
void append_character(std::string& text, UChar32 code);

/// A word character as regular expressions have it (UTS #18, annex C).
bool is_word(UChar32 code);
/// Unicode's White_Space.
bool is_space(UChar32 code);
/// ASCII's punctuation and symbols, and Unicode's punctuation.
bool is_punctuation(UChar32 code);
/// Control, format and private characters, U+FFFD and NUL, but no line end or tab.
bool is_control(UChar32 code);
/// Marks that take no place of their own, and all marks.
bool is_nonspacing_mark(UChar32 code);
bool is_mark(UChar32 code);
/// What BERT calls a Chinese character.
bool is_ideograph(UChar32 code);
/// A number for the script of a character, the Japanese ones counting as Han; -1 where any script may have
/// it.
int script_of(UChar32 code);

/// Calls `found(code, span begin, span end)` for every character of a well-formed text, in order.
template <typename Found>
void each_character(std::string_view text, const Found& found) {
  for (std::size_t at = 0; at < text.size();) {
    const UChar32 code = first_character(text.substr(at));
    const std::size_t end = at + std::max<std::size_t>(1, static_cast<std::size_t>(U8_LENGTH(code)));
    found(code, at, end);
    at = end;
  }
}

}  // namespace qkscope
