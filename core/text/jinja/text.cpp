#include "core/text/jinja/text.h"

#include <unicode/bytestream.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace qkscope::jinja {
namespace {

template <typename Change>
std::string changed(const std::string& text, Change change) {
  icu::UnicodeString characters = icu::UnicodeString::fromUTF8(text);
  change(characters);
  std::string out;
  return characters.toUTF8String(out);
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

std::string_view stripped(std::string_view text, std::string_view characters, bool left, bool right) {
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
  return text;
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
  return text.size() - stripped(text.substr(at), {}, true, false).size();
}

void split_at_space(std::string_view text, std::int64_t limit, std::vector<std::string_view>& parts) {
  for (std::size_t at = word_at(text, 0); at < text.size();) {
    const std::size_t end = limit-- == 0 ? text.size() : space_at(text, at);
    parts.push_back(text.substr(at, end - at));
    at = word_at(text, end);
  }
}

void split_at_space_from_right(std::string_view text, std::int64_t limit,
                               std::vector<std::string_view>& parts) {
  for (text = stripped(text, {}, false, true); !text.empty();) {
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
    parts.push_back(text.substr(begin));
    text = stripped(text.substr(0, begin), {}, false, true);
  }
}

void split_at_sign(std::string_view text, std::string_view sign, std::int64_t limit, bool from_right,
                   std::vector<std::string_view>& parts) {
  for (; limit != 0; --limit) {
    const std::size_t at = from_right ? text.rfind(sign) : text.find(sign);
    if (at == text.npos) break;
    parts.push_back(from_right ? text.substr(at + sign.size()) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(at + sign.size());
  }
  parts.push_back(text);
}

}  // namespace

Character first_character(std::string_view text) {
  const std::size_t length = character_length(text);
  if (length == 0) return {0xFFFD, text.substr(0, 1)};
  return {icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(length)}).char32At(0),
          text.substr(0, length)};
}

std::string upper(const std::string& text) {
  return changed(text, [](icu::UnicodeString& s) { s.toUpper(icu::Locale::getRoot()); });
}

std::string lower(const std::string& text) {
  return changed(text, [](icu::UnicodeString& s) { s.toLower(icu::Locale::getRoot()); });
}

std::string case_folded(const std::string& text) {
  return changed(text, [](icu::UnicodeString& s) { s.foldCase(); });
}

std::string capitalized(const std::string& text) {
  if (text.empty()) return text;
  const std::string first(first_character(text).bytes);
  return changed(first, [](icu::UnicodeString& s) { s.toTitle(nullptr, icu::Locale::getRoot()); }) +
         lower(text.substr(first.size()));
}

std::string strip(std::string_view text, std::string_view characters, bool left, bool right) {
  return std::string(stripped(text, characters, left, right));
}

std::string titled(const std::string& text) {
  std::string out, word;
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = first_character(rest);
    rest.remove_prefix(next.bytes.size());
    const bool letter = u_isUUppercase(next.code) || u_isULowercase(next.code) || u_istitle(next.code);
    if (!letter) out += capitalized(std::exchange(word, {}));
    (letter ? word : out) += next.bytes;
  }
  return out + capitalized(word);
}

std::string replaced(Heap& heap, const std::string& text, const std::string& from, const std::string& to,
                     std::int64_t count) {
  Output out(heap);
  const std::string_view all = text;
  std::size_t at = 0;
  while (count != 0 && at <= all.size()) {
    const std::size_t found = all.find(from, at);
    if (found == all.npos) break;
    out += all.substr(at, found - at);
    out += to;
    at = found + from.size();
    if (from.empty()) {  // before every character and at the end
      if (at == all.size()) return out.take();
      const std::string_view next = first_character(all.substr(at)).bytes;
      out += next;
      at += next.size();
    }
    if (count > 0) --count;
  }
  out += all.substr(std::min(at, all.size()));
  return out.take();
}

Value split(Heap& heap, const std::string& text, const std::string* sign, std::int64_t limit,
            bool from_right) {
  if (sign && sign->empty()) throw Error("the chat template splits a text at nothing");
  std::vector<std::string_view> parts;
  heap.step(1 + text.size() / 64);
  if (sign) {
    split_at_sign(text, *sign, limit, from_right, parts);
  } else if (from_right) {
    split_at_space_from_right(text, limit, parts);
  } else {
    split_at_space(text, limit, parts);
  }
  if (from_right) std::ranges::reverse(parts);
  std::vector<Value> values;
  for (const std::string_view part : parts) values.push_back(heap.text(std::string(part)));
  return heap.list(std::move(values));
}

Value lines_of(Heap& heap, std::string_view text, bool keep_ends) {
  std::vector<Value> lines;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of("\n\r"), text.size());
    const std::size_t end = text.substr(length).starts_with("\r\n") ? 2 : length < text.size() ? 1 : 0;
    lines.push_back(heap.text(std::string(text.substr(0, length + (keep_ends ? end : 0)))));
    text.remove_prefix(length + end);
  }
  return heap.list(std::move(lines));
}

std::size_t bytes_of(std::string_view text, std::int64_t count) {
  std::string_view rest = text;
  for (; count > 0 && !rest.empty(); --count)
    rest.remove_prefix(std::max<std::size_t>(1, character_length(rest)));
  return text.size() - rest.size();
}

}  // namespace qkscope::jinja
