// Jinja's filters for pages and addresses.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/base/error.h"
#include "core/text/jinja/filters.h"
#include "core/text/jinja/text.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope::jinja {
namespace {

std::string escaped(Heap& heap, const std::string& text) {
  Output out(heap);
  for (const char c : text) {
    constexpr std::string_view signs = "&<>'\"";
    constexpr std::array<const char*, 5> names = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const std::size_t known = signs.find(c);
    out += known == signs.npos ? std::string_view(&c, 1) : names[known];
  }
  return out.take();
}

Value escape(Heap& heap, const Value& value, const Arguments&) {
  return heap.text(escaped(heap, to_text(heap, value)));
}

/// urllib.parse.quote, or quote_plus with a space as '+'.
void quote(Heap& heap, const Value& value, bool in_query, Output& out) {
  for (const char c : to_text(heap, value)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                       std::string_view("_.-~").find(c) != std::string_view::npos);
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", byte);
    if (in_query && c == ' ') {
      out += "+";
    } else {
      out += plain || (c == '/' && !in_query) ? std::string_view(&c, 1) : std::string_view(code);
    }
  }
}

/// A text or a number; or a query of the names and values of a dict, or of pairs.
Value percent_encoded(Heap& heap, const Value& value, const Arguments&) {
  Output out(heap);
  if (!value.dict() && !value.sequence()) {
    quote(heap, value, false, out);
    return heap.text(out.take());
  }
  std::vector<Value> pairs;
  if (value.dict()) {
    for (const auto& [key, item] : value.dict()->entries) pairs.push_back(heap.tuple({key, item}));
  } else {
    pairs = items_of(heap, value);
  }
  for (const Value& pair : pairs) {
    const std::vector<Value> both = items_of(heap, pair);
    if (both.size() != 2) throw Error("the chat template encodes for an address what is no list of pairs");
    if (!out.empty()) out += "&";
    quote(heap, both[0], true, out);
    out += "=";
    quote(heap, both[1], true, out);
  }
  return heap.text(out.take());
}

/// The character that "amp" or "#39" stands for in a page. Throws Error for the other thousands of names.
std::string entity(std::string_view name) {
  std::string out;
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] | 32) == 'x';
    std::uint32_t code = 0;
    const char* begin = name.data() + (hex ? 2 : 1);
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), code, hex ? 16 : 10);
    if (error != std::errc() || end != name.data() + name.size() || code < 0x20 ||
        (code >= 0x7F && code < 0xA0) || code > 0x10FFFF || U_IS_SURROGATE(code)) {
      throw Error("the chat template takes the tags off a text with an odd character reference");
    }
    append_character(out, static_cast<UChar32>(code));
    return out;
  }
  constexpr std::array<std::pair<std::string_view, const char*>, 6> names = {
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\xC2\xA0"}}};
  for (const auto& [known, text] : names) {
    if (name == known) return text;
  }
  throw Error("the chat template takes the tags off a text with the character '" + std::string(name) +
              "', which is not supported");
}

std::string without(std::string text, std::string_view begin, std::string_view end) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t start = text.find(begin, at);
    const std::size_t stop = start == text.npos ? start : text.find(end, start);
    if (stop == text.npos) return out + text.substr(at);
    out.append(text, at, start - at);
    at = stop + end.size();
  }
}

/// markupsafe's Markup.striptags: no comments, no tags, single spaces, character references read.
Value without_tags(Heap& heap, const Value& value, const Arguments&) {
  const std::string bare = without(without(to_text(heap, value), "<!--", "-->"), "<", ">");
  Output spaced(heap), out(heap);
  for (const Value& word : items_of(heap, split(heap, bare, nullptr, -1, false))) {
    if (!spaced.empty()) spaced += " ";
    spaced += *word.text();
  }
  const std::string text = spaced.take();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '&' ? text.find_first_of(" ;&", at + 1) : text.npos;
    if (end == text.npos || text[end] != ';' || end == at + 1) {
      out += std::string_view(text).substr(at++, 1);
      continue;
    }
    out += entity(std::string_view(text).substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return heap.text(out.take());
}

Value attributes(Heap& heap, const Value& value, const Arguments& a) {
  if (!value.dict()) throw Error("the chat template makes attributes of something that is no dict");
  Output out(heap);
  const bool apart = !a.find(0, "autospace") || a.truth(0, "autospace");
  for (const auto& [key, item] : value.dict()->entries) {
    if (item.is_none() || item.is_undefined()) continue;
    const std::string name = to_text(heap, key);
    if (name.find_first_of(" \t\n\r\f\v/>=") != name.npos)
      throw Error("the chat template makes an attribute with a name that cannot be one");
    if (!out.empty() || apart) out += " ";
    out += escaped(heap, name) + "=\"" + escaped(heap, to_text(heap, item)) + "\"";
  }
  return heap.text(out.take());
}

Value file_size(Heap& heap, const Value& value, const Arguments& a) {
  const Value bytes = filter(heap, "float", value, {});
  const double base = a.truth(0, "binary") ? 1024 : 1000, size = bytes.number();
  if (size == 1) return heap.text("1 Byte");
  if (size < base) return heap.text(std::to_string(static_cast<std::int64_t>(size)) + " Bytes");
  constexpr std::string_view prefixes = "kMGTPEZY";
  double unit = base * base;
  std::size_t place = 0;
  for (; size >= unit && place + 1 < prefixes.size(); ++place) unit *= base;
  char text[64];
  const char prefix = place == 0 && base == 1024 ? 'K' : prefixes[place];
  std::snprintf(text, sizeof text, "%.1f %c%s", base * size / unit, prefix, base == 1024 ? "iB" : "B");
  return heap.text(text);
}

}  // namespace

const Filters markup_filters = {
    {"e", escape},
    {"escape", escape},
    {"forceescape", escape},
    {"urlencode", percent_encoded},
    {"striptags", without_tags},
    {"xmlattr", attributes},
    {"filesizeformat", file_size},
};

}  // namespace qkscope::jinja
