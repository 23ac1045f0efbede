#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/jinja/builtins.h"

namespace qkscope::jinja {

/// What Python's str does, in Unicode; counts and places are in characters. Malformed bytes pass, or become
/// U+FFFD where letters change.
std::string upper(const std::string& text);
std::string lower(const std::string& text);
std::string capitalized(const std::string& text);
/// Takes `characters`, or white space where there are none given, off the ends.
std::string strip(std::string_view text, std::string_view characters, bool left, bool right);
/// The first `count` occurrences, or all where it is negative. Throws Error where the text grows too long.
std::string replaced(const std::string& text, const std::string& from, const std::string& to,
                     std::int64_t count = -1);
/// The items as texts, or an attribute of theirs, `sign` between them.
std::string joined(const Value& value, const std::string& sign, const std::string& attribute = {});
Value split(const std::string& text, const Arguments& arguments, bool from_right);

/// Throws Error where a text has become longer than a template may make it.
void check_length(const std::string& text);

}  // namespace qkscope::jinja
