#include "core/model/jinja/text.h"

#include <unicode/bytestream.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "core/error.h"
#include "core/model/tokenizer/utf8.h"

namespace qkscope::jinja {
namespace {

template <typename Change>
std::string changed(const std::string& text, Change change) {
  icu::UnicodeString characters = icu::UnicodeString::fromUTF8(text);
  change(characters);
  std::string out;
  return characters.toUTF8String(out);
}

/// One character and its bytes; malformed ones come byte by byte.
struct Character {
  UChar32 code = 0;
  std::string_view bytes;
};

Character first_character(std::string_view text) {
  const std::size_t length = character_length(text);
  if (length == 0) return {0xFFFD, text.substr(0, 1)};
  return {icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(length)}).char32At(0),
          text.substr(0, length)};
}

Character last_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(4, text.size()); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    if (character_length(tail) == back) return first_character(tail);
  }
  return {0xFFFD, text.substr(text.size() - 1)};
}

/// str.isspace: Unicode's white space and the information separators.
bool is_space(UChar32 code) {
  return u_isUWhiteSpace(code) || (code >= 0x1C && code <= 0x1F);
}

std::size_t space_at(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Character next = first_character(text.substr(at));
    if (is_space(next.code)) break;
    at += next.bytes.size();
  }
  return at;
}

std::size_t word_at(std::string_view text, std::size_t at) {
  return text.size() - strip(text.substr(at), {}, true, false).size();
}

/// At any white space; at most `limit` times where it is not negative.
Value split_at_space(const std::string& text, std::int64_t limit) {
  Value parts = Value::array();
  for (std::size_t at = word_at(text, 0); at < text.size();) {
    const std::size_t end = limit-- == 0 ? text.size() : space_at(text, at);
    parts.push_back(text.substr(at, end - at));
    at = word_at(text, end);
  }
  return parts;
}

/// The same from the right.
Value split_at_space_from_right(std::string_view text, std::int64_t limit) {
  std::vector<std::string> parts;
  for (text = text.substr(0, strip(text, {}, false, true).size()); !text.empty();) {
    std::size_t begin = text.size();
    if (limit-- == 0) {
      begin = 0;
      text = text.substr(word_at(text, 0));
    }
    while (begin > 0) {
      const Character last = last_character(text.substr(0, begin));
      if (is_space(last.code)) break;
      begin -= last.bytes.size();
    }
    parts.emplace_back(text.substr(begin));
    text = text.substr(0, strip(text.substr(0, begin), {}, false, true).size());
  }
  std::ranges::reverse(parts);
  return parts;
}

}  // namespace

void check_length(const std::string& text) {
  if (text.size() > most_bytes) throw Error("the chat template makes a text that grows without end");
}

std::string upper(const std::string& text) {
  return changed(text, [](icu::UnicodeString& s) { s.toUpper(icu::Locale::getRoot()); });
}

std::string lower(const std::string& text) {
  return changed(text, [](icu::UnicodeString& s) { s.toLower(icu::Locale::getRoot()); });
}

std::string capitalized(const std::string& text) {
  if (text.empty()) return text;
  const std::string first(first_character(text).bytes);
  return changed(first, [](icu::UnicodeString& s) { s.toTitle(nullptr, icu::Locale::getRoot()); }) +
         lower(text.substr(first.size()));
}

std::string strip(std::string_view text, std::string_view characters, bool left, bool right) {
  const auto goes = [&](const Character& character) {
    return characters.empty() ? is_space(character.code)
                              : characters.find(character.bytes) != characters.npos;
  };
  while (left && !text.empty()) {
    const Character first = first_character(text);
    if (!goes(first)) break;
    text.remove_prefix(first.bytes.size());
  }
  while (right && !text.empty()) {
    const Character last = last_character(text);
    if (!goes(last)) break;
    text.remove_suffix(last.bytes.size());
  }
  return std::string(text);
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to,
                     std::int64_t count) {
  std::string out;
  std::size_t at = 0;
  while (count != 0 && at <= text.size()) {
    std::size_t found = text.find(from, at);
    if (found == text.npos) break;
    out.append(text, at, found - at).append(to);
    at = found + from.size();
    if (from.empty()) {  // before every character and at the end
      if (at == text.size()) return out;
      const std::string_view next = first_character(std::string_view(text).substr(at)).bytes;
      out += next;
      at += next.size();
    }
    if (count > 0) --count;
    check_length(out);
  }
  return out.append(text, std::min(at, text.size()));
}

std::string joined(const Value& value, const std::string& sign, const std::string& attribute) {
  std::string out;
  bool first = true;
  for (const Value& item : items_of(value)) {
    if (!first) out += sign;
    first = false;
    out += to_text(attribute.empty() ? item : attribute_of(item, attribute));
    check_length(out);
  }
  return out;
}

Value split(const std::string& text, const Arguments& arguments, bool from_right) {
  const Value* given = arguments.find(0, "sep");
  const Value* limit = arguments.find(1, "maxsplit");
  std::int64_t left = limit && limit->is_number_integer() ? limit->get<std::int64_t>() : -1;
  if (!given || given->is_null())
    return from_right ? split_at_space_from_right(text, left) : split_at_space(text, left);
  const std::string sign = to_text(*given);
  if (sign.empty()) throw Error("the chat template splits a text at nothing");
  std::vector<std::string> found;
  std::string_view rest = text;
  for (; left != 0; --left) {
    const std::size_t at = from_right ? rest.rfind(sign) : rest.find(sign);
    if (at == rest.npos) break;
    found.emplace_back(from_right ? rest.substr(at + sign.size()) : rest.substr(0, at));
    rest = from_right ? rest.substr(0, at) : rest.substr(at + sign.size());
  }
  found.emplace_back(rest);
  if (from_right) std::ranges::reverse(found);
  return found;
}

}  // namespace qkscope::jinja
