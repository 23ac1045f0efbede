// The methods of Python's str, dict, list and numbers that the sandbox lets a template call.
#include <unicode/uchar.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "core/base/error.h"
#include "core/text/jinja/functions.h"
#include "core/text/jinja/operators.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

/// str.isdigit and its like: of every character, and not of an empty text.
bool all_of(std::string_view text, bool (*is)(UChar32)) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const Character next = first_character(text);
    if (!is(next.code)) return false;
    text.remove_prefix(next.bytes.size());
  }
  return true;
}

bool is_decimal(UChar32 c) {
  return u_charType(c) == U_DECIMAL_DIGIT_NUMBER;
}
bool is_digit(UChar32 c) {
  const std::int32_t kind = u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE);
  return kind == U_NT_DECIMAL || kind == U_NT_DIGIT;
}
bool is_numeric(UChar32 c) {
  return u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}
bool is_letter(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0;
}
bool is_ascii(UChar32 c) {
  return c < 0x80;
}
bool is_printable(UChar32 c) {
  return c == ' ' || (U_GET_GC_MASK(c) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}
bool is_name_part(UChar32 c) {
  return c == '_' || u_hasBinaryProperty(c, UCHAR_XID_CONTINUE);
}
bool is_letter_or_number(UChar32 c) {
  return is_letter(c) || is_numeric(c);
}
bool is_space(UChar32 c) {
  return u_isUWhiteSpace(c) || (c >= 0x1C && c <= 0x1F);
}

std::int64_t place(Heap& heap, const std::string& text, std::size_t at) {
  return at == text.npos ? -1 : static_cast<std::int64_t>(length(heap, heap.text(text.substr(0, at))));
}

Value found_at(Heap& heap, const std::string& text, const Arguments& a, bool last, bool must) {
  const std::string what = a.text(heap, 0, "");
  // Places are counted in the whole text, whatever part is searched.
  const std::size_t begin = bytes_of(text, a.whole(1, "", 0));
  const std::size_t end = a.find(2, "") ? bytes_of(text, a.whole(2, "", INT64_MAX)) : text.size();
  if (a.whole(1, "", 0) < 0 || a.whole(2, "", 0) < 0)
    throw Error(
        "the chat template searches a text from a place counted from its end, which is not supported");
  const std::string_view part = std::string_view(text).substr(0, std::max(begin, end)).substr(begin);
  const std::size_t at = last ? part.rfind(what) : part.find(what);
  if (at == part.npos && must)
    throw Error("the chat template asks for the place of what a text does not hold");
  return at == part.npos ? -1 : place(heap, text, begin + at);
}

std::int64_t occurrences(Heap& heap, const std::string& text, const std::string& what) {
  if (what.empty()) return static_cast<std::int64_t>(length(heap, heap.text(text))) + 1;
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
  return count;
}

bool begins_or_ends(Heap& heap, const std::string& text, const Arguments& a, bool begins) {
  const Value* start = a.find(1, "");
  const Value* stop = a.find(2, "");
  const Value part =
      start ? slice_of(heap, heap.text(text), *start, stop ? *stop : Value(), {}) : heap.text(text);
  const Value* what = a.find(0, "");
  if (!what || !(what->text() || what->sequence()))
    throw Error("the chat template asks whether a text begins or ends with something that is no text");
  const std::vector<Value> choices = what->sequence() ? items_of(heap, *what) : std::vector<Value>(1, *what);
  return std::ranges::any_of(choices, [&](const Value& choice) {
    const std::string words = to_text(heap, choice);
    return begins ? part.text()->starts_with(words) : part.text()->ends_with(words);
  });
}

Value partition(Heap& heap, const std::string& text, const std::string& sign, bool last) {
  if (sign.empty()) throw Error("the chat template splits a text at nothing");
  const std::size_t at = last ? text.rfind(sign) : text.find(sign);
  const Value none = heap.text("");
  if (at == text.npos)
    return last ? heap.tuple({none, none, heap.text(text)}) : heap.tuple({heap.text(text), none, none});
  return heap.tuple(
      {heap.text(text.substr(0, at)), heap.text(sign), heap.text(text.substr(at + sign.size()))});
}

/// str.ljust, rjust, center, zfill: `left` and `right` parts of what is missing.
Value filled(Heap& heap, const std::string& text, const Arguments& a, char side) {
  const std::int64_t missing = a.whole(0, "", 0) - static_cast<std::int64_t>(length(heap, heap.text(text)));
  const std::string fill = a.text(heap, 1, "", " ");
  if (missing <= 0) return heap.text(text);
  const std::int64_t odd = missing & a.whole(0, "", 0) & 1;  // as CPython centers
  const std::int64_t before = side == '>' ? missing : side == '^' ? missing / 2 + odd : 0;
  Output out(heap);
  out.repeat(fill, before);
  out += text;
  out.repeat(fill, missing - before);
  return heap.text(out.take());
}

Value zero_filled(Heap& heap, const std::string& text, const Arguments& a) {
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  Output out(heap);
  out += text.substr(0, sign);
  out.repeat("0", a.whole(0, "", 0) - static_cast<std::int64_t>(length(heap, heap.text(text))));
  out += text.substr(sign);
  return heap.text(out.take());
}

/// Columns are counted anew after every end of a line.
Value tabs_expanded(Heap& heap, const std::string& text, const Arguments& a) {
  const std::int64_t width = a.whole(0, "tabsize", 8);
  Output out(heap);
  std::int64_t column = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = first_character(rest);
    rest.remove_prefix(next.bytes.size());
    if (next.code == '\t') {
      const std::int64_t missing = width > 0 ? width - column % width : 0;
      out.repeat(" ", missing);
      column += missing;
      continue;
    }
    out += next.bytes;
    column = next.code == '\n' || next.code == '\r' ? 0 : column + 1;
  }
  return heap.text(out.take());
}

std::string swapped(const std::string& text) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = first_character(rest);
    rest.remove_prefix(next.bytes.size());
    const std::string one(next.bytes);
    out += u_isUUppercase(next.code) ? lower(one) : upper(one);
  }
  return out;
}

template <typename Self>
using Method = std::function<Value(Heap&, const Self&, const Arguments&)>;
template <typename Self>
using Methods = std::map<std::string, Method<Self>, std::less<>>;

Value split_method(Heap& heap, const std::string& text, const Arguments& a, bool from_right) {
  const Value* sign = a.find(0, "sep");
  return split(heap, text, sign ? sign->text() : nullptr, a.whole(1, "maxsplit", -1), from_right);
}

Value cut_method(Heap& heap, const std::string& text, const Arguments& a, bool left, bool right) {
  return heap.text(strip(text, a.text(heap, 0, ""), left, right));
}

template <bool (*is)(UChar32)>
Value all_method(Heap&, const std::string& text, const Arguments&) {
  return all_of(text, is);
}

template <std::string (*change)(const std::string&)>
Value changed_method(Heap& heap, const std::string& text, const Arguments&) {
  return heap.text(change(text));
}

using S = std::string;
using A = Arguments;

const Methods<S> text_methods = {
    {"strip", [](Heap& h, const S& s, const A& a) { return cut_method(h, s, a, true, true); }},
    {"lstrip", [](Heap& h, const S& s, const A& a) { return cut_method(h, s, a, true, false); }},
    {"rstrip", [](Heap& h, const S& s, const A& a) { return cut_method(h, s, a, false, true); }},
    {"split", [](Heap& h, const S& s, const A& a) { return split_method(h, s, a, false); }},
    {"rsplit", [](Heap& h, const S& s, const A& a) { return split_method(h, s, a, true); }},
    {"splitlines", [](Heap& h, const S& s, const A& a) { return lines_of(h, s, a.truth(0, "keepends")); }},
    {"partition", [](Heap& h, const S& s, const A& a) { return partition(h, s, a.text(h, 0, ""), false); }},
    {"rpartition", [](Heap& h, const S& s, const A& a) { return partition(h, s, a.text(h, 0, ""), true); }},
    {"startswith", [](Heap& h, const S& s, const A& a) -> Value { return begins_or_ends(h, s, a, true); }},
    {"endswith", [](Heap& h, const S& s, const A& a) -> Value { return begins_or_ends(h, s, a, false); }},
    {"replace",
     [](Heap& h, const S& s, const A& a) {
       return h.text(replaced(h, s, a.text(h, 0, ""), a.text(h, 1, ""), a.whole(2, "count", -1)));
     }},
    {"upper", changed_method<upper>},
    {"lower", changed_method<lower>},
    {"casefold", changed_method<case_folded>},
    {"expandtabs", tabs_expanded},
    {"capitalize", changed_method<capitalized>},
    {"title", changed_method<titled>},
    {"swapcase", changed_method<swapped>},
    {"removeprefix",
     [](Heap& h, const S& s, const A& a) {
       const S what = a.text(h, 0, "");
       return h.text(s.starts_with(what) ? s.substr(what.size()) : s);
     }},
    {"removesuffix",
     [](Heap& h, const S& s, const A& a) {
       const S what = a.text(h, 0, "");
       return h.text(s.ends_with(what) ? s.substr(0, s.size() - what.size()) : s);
     }},
    {"find", [](Heap& h, const S& s, const A& a) { return found_at(h, s, a, false, false); }},
    {"rfind", [](Heap& h, const S& s, const A& a) { return found_at(h, s, a, true, false); }},
    {"index", [](Heap& h, const S& s, const A& a) { return found_at(h, s, a, false, true); }},
    {"rindex", [](Heap& h, const S& s, const A& a) { return found_at(h, s, a, true, true); }},
    {"count", [](Heap& h, const S& s, const A& a) -> Value { return occurrences(h, s, a.text(h, 0, "")); }},
    {"join",
     [](Heap& h, const S& s, const A& a) {
       Output out(h);
       const Value* items = a.find(0, "");
       for (bool first = true; const Value& item : items_of(h, items ? *items : Value())) {
         if (!item.text()) throw Error("the chat template joins a value that is no text");
         if (!std::exchange(first, false)) out += s;
         out += *item.text();
       }
       return h.text(out.take());
     }},
    {"format", [](Heap& h, const S& s, const A& a) { return h.text(formatted(h, s, a)); }},
    {"format_map",
     [](Heap& h, const S& s, const A& a) {
       const Value* names = a.find(0, "");
       if (!names || !names->dict()) throw Error("the chat template formats with something that is no dict");
       A named;
       for (const auto& [key, item] : names->dict()->entries)
         named.by_name.emplace_back(to_text(h, key), item);
       return h.text(formatted(h, s, named));
     }},
    {"center", [](Heap& h, const S& s, const A& a) { return filled(h, s, a, '^'); }},
    {"ljust", [](Heap& h, const S& s, const A& a) { return filled(h, s, a, '<'); }},
    {"rjust", [](Heap& h, const S& s, const A& a) { return filled(h, s, a, '>'); }},
    {"zfill", zero_filled},
    {"isdigit", all_method<is_digit>},
    {"isdecimal", all_method<is_decimal>},
    {"isnumeric", all_method<is_numeric>},
    {"isalpha", all_method<is_letter>},
    {"isalnum", all_method<is_letter_or_number>},
    {"isspace", all_method<is_space>},
    {"isascii", [](Heap&, const S& s, const A&) -> Value { return s.empty() || all_of(s, is_ascii); }},
    {"isprintable",
     [](Heap&, const S& s, const A&) -> Value { return s.empty() || all_of(s, is_printable); }},
    {"isidentifier",
     [](Heap&, const S& s, const A&) -> Value {
       if (s.empty() || !all_of(s, is_name_part)) return false;
       const UChar32 first = first_character(s).code;
       return first == '_' || u_hasBinaryProperty(first, UCHAR_XID_START) != 0;
     }},
    {"isupper", [](Heap&, const S& s, const A&) -> Value { return upper(s) == s && lower(s) != s; }},
    {"islower", [](Heap&, const S& s, const A&) -> Value { return lower(s) == s && upper(s) != s; }},
    {"istitle", [](Heap&, const S& s, const A&) -> Value { return titled(s) == s && lower(s) != s; }},
};

Value view(Heap& heap, std::vector<Value> items) {
  return std::make_shared<const Sequence>(heap, Sequence::Kind::View, std::move(items));
}

const Methods<Dict> dict_methods = {
    {"items",
     [](Heap& h, const Dict& d, const A&) {
       std::vector<Value> pairs;
       for (const auto& [key, item] : d.entries) pairs.push_back(h.tuple({key, item}));
       return view(h, std::move(pairs));
     }},
    {"keys",
     [](Heap& h, const Dict& d, const A&) {
       std::vector<Value> keys;
       for (const auto& [key, item] : d.entries) keys.push_back(key);
       return view(h, std::move(keys));
     }},
    {"values",
     [](Heap& h, const Dict& d, const A&) {
       std::vector<Value> values;
       for (const auto& [key, item] : d.entries) values.push_back(item);
       return view(h, std::move(values));
     }},
    {"get",
     [](Heap&, const Dict& d, const A& a) -> Value {
       const Value* key = a.find(0, "");
       const Value* found = key ? d.find(*key) : nullptr;
       const Value* otherwise = a.find(1, "");
       return found ? *found : otherwise ? *otherwise : Value(Value::None{});
     }},
    {"copy",
     [](Heap& h, const Dict& d, const A&) -> Value { return std::make_shared<const Dict>(h, d.entries); }},
};

const Methods<Sequence> list_methods = {
    {"index",
     [](Heap& h, const Sequence& list, const A& a) -> Value {
       const Value* what = a.find(0, "");
       for (std::size_t i = 0; what && i < list.items.size(); ++i) {
         if (equal(h, list.items[i], *what)) return i;
       }
       throw Error("the chat template asks for the place of what a list does not hold");
     }},
    {"count",
     [](Heap& h, const Sequence& list, const A& a) -> Value {
       const Value* what = a.find(0, "");
       return what ? std::ranges::count_if(list.items, [&](const Value& v) { return equal(h, v, *what); })
                   : 0;
     }},
    {"copy", [](Heap& h, const Sequence& list, const A&) -> Value { return h.list(list.items); }},
};

template <typename Self>
const Method<Self>* find(const Methods<Self>& methods, std::string_view name) {
  const auto found = methods.find(name);
  return found == methods.end() ? nullptr : &found->second;
}

template <typename Self>
Value bound(const Value& self, const Self& value, const Methods<Self>& methods, std::string_view name) {
  const Method<Self>* method = find(methods, name);
  if (!method) return {};
  return std::make_shared<Function>(
      std::string(name),
      [self, &value, method](Heap& heap, const A& arguments) { return (*method)(heap, value, arguments); });
}

}  // namespace

Value method_of(Heap&, const Value& value, std::string_view name) {
  if (value.text()) return bound(value, *value.text(), text_methods, name);
  if (value.dict()) return bound(value, *value.dict(), dict_methods, name);
  if (const Sequence* list = value.sequence()) {
    if (list->kind == Sequence::Kind::List ||
        (list->kind != Sequence::Kind::Generator && list->kind != Sequence::Kind::View && name != "copy"))
      return bound(value, *list, list_methods, name);
  }
  return {};
}

}  // namespace qkscope::jinja
