#pragma once
#include <unicode/umachine.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/text/jinja/value.h"

namespace qkscope::jinja {

/// One character and its bytes; malformed ones come byte by byte, as U+FFFD.
struct Character {
  UChar32 code = 0;
  std::string_view bytes;
};
/// At the front of a text that is not empty.
Character first_character(std::string_view text);

/// What Python's str does, in Unicode; counts and places are in characters. Malformed bytes pass, or become
/// U+FFFD where letters change.
std::string upper(const std::string& text);
std::string lower(const std::string& text);
std::string case_folded(const std::string& text);
std::string capitalized(const std::string& text);
/// str.title: a capital after everything that is no letter, so "It'S".
std::string titled(const std::string& text);
/// Takes `characters`, or white space where there are none given, off the ends.
std::string strip(std::string_view text, std::string_view characters, bool left, bool right);
/// The first `count` occurrences, or all where it is negative.
std::string replaced(Heap& heap, const std::string& text, const std::string& from, const std::string& to,
                     std::int64_t count = -1);
/// At `sign`, or at white space where it is null; at most `limit` times where that is not negative. Throws
/// Error for an empty sign.
Value split(Heap& heap, const std::string& text, const std::string* sign, std::int64_t limit,
            bool from_right);
/// Without the last, empty line, as str.splitlines.
Value lines_of(Heap& heap, std::string_view text, bool keep_ends);
/// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::int64_t count);

/// The text of a number, a list, ... as str() and repr() write it.
std::string real_text(double value);
std::string text_repr(std::string_view text);

}  // namespace qkscope::jinja
