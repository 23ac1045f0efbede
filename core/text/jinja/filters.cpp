// Jinja's filters of texts and numbers, and all of them by name.
#include "core/text/jinja/filters.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/jinja/functions.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

/// Capitals where words begin, which is not where str.title has them: "It's".
std::string word_titled(const std::string& text) {
  std::string out, word;
  for (const char c : text) {
    if (std::string_view(" \t\n\r\f\v-({[<").find(c) == std::string_view::npos) {
      word += c;
    } else {
      out += capitalized(std::exchange(word, {})) + c;
    }
  }
  return out + capitalized(word);
}

Value indented(Heap& heap, const Value& value, const Arguments& a) {
  const Value* width = a.find(0, "width");
  Output spaces(heap);
  if (width && width->text()) spaces += *width->text();
  if (!width || width->is_whole()) spaces.repeat(" ", width ? width->whole() : 4);
  const std::string indentation = spaces.take();
  const bool blank = a.truth(2, "blank");
  const Value lines = lines_of(heap, to_text(heap, value) + "\n", false);
  Output out(heap);
  if (a.truth(1, "first")) out += indentation;
  for (std::size_t i = 0; i < lines.sequence()->items.size(); ++i) {
    const std::string& line = *lines.sequence()->items[i].text();
    if (i > 0) out += "\n";
    if (i > 0 && (blank || !line.empty())) out += indentation;
    out += line;
  }
  return heap.text(out.take());
}

/// int() and float() of a text, with the underscores that Python allows between digits.
std::string without_underscores(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && u_isdigit(static_cast<unsigned char>(text[i - 1])) &&
                         u_isdigit(static_cast<unsigned char>(text[i + 1]));
    if (text[i] != '_' || !between) out += text[i];
  }
  return out;
}

template <typename Number, typename... Base>
bool read(std::string_view text, Number& number, Base... base) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base...);
  return !text.empty() && end == text.data() + text.size() && error == std::errc();
}

Value to_int(Heap&, const Value& value, const Arguments& a) {
  const Value* given = a.find(0, "default");
  const Value otherwise = given ? *given : Value(0);
  if (value.is_undefined()) throw Error("the chat template makes a number of a value that is not defined");
  if (value.is_whole()) return value.whole();
  double real = 0;
  if (value.real()) {
    real = *value.real();
    if (std::isnan(real)) return otherwise;
  } else if (value.text()) {
    const std::string text = without_underscores(strip(*value.text(), {}, true, true));
    const auto base = static_cast<int>(std::clamp<std::int64_t>(a.whole(1, "base", 10), 2, 36));
    const bool prefixed = text.size() > 2 && text[0] == '0' &&
                          ((base == 16 && (text[1] | 32) == 'x') || (base == 8 && (text[1] | 32) == 'o') ||
                           (base == 2 && (text[1] | 32) == 'b'));
    std::int64_t number = 0;
    if (read(std::string_view(text).substr(prefixed ? 2 : 0), number, base)) return number;
    if (!read(text, real) || !std::isfinite(real)) return otherwise;
  } else {
    return otherwise;
  }
  if (!(std::abs(real) < 9e18)) throw Error("the chat template makes a whole number that is too large");
  return static_cast<std::int64_t>(real);
}

Value to_float(Heap&, const Value& value, const Arguments& a) {
  const Value* otherwise = a.find(0, "default");
  if (value.is_undefined()) throw Error("the chat template makes a number of a value that is not defined");
  if (value.is_number()) return value.number();
  double real = 0;
  const bool known = value.text() && read(without_underscores(strip(*value.text(), {}, true, true)), real);
  return known ? Value(real) : otherwise ? *otherwise : Value(0.0);
}

/// As Python does: the nearest number with so many decimals, halves to the even one.
Value rounded(Heap& heap, const Value& value, const Arguments& a) {
  if (!value.is_number()) throw Error("the chat template rounds a value that is no number");
  const std::int64_t precision = a.whole(0, "precision", 0);
  const std::string way = a.text(heap, 1, "method", "common");
  if (value.is_whole() && way == "common" && precision >= 0) return value.whole();
  const double real = value.number(), scale = std::pow(10.0, static_cast<double>(precision));
  if (way == "ceil") return std::ceil(real * scale) / scale;
  if (way == "floor") return std::floor(real * scale) / scale;
  if (way != "common" || precision < 0 || precision > 15)
    throw Error("the chat template rounds in a way that is not supported");
  char text[400];
  const int size = std::snprintf(text, sizeof text, "%.*f", static_cast<int>(precision), real);
  double out = real;
  std::from_chars(text, text + size, out);
  return out;
}

Value truncated(Heap& heap, const Value& value, const Arguments& a) {
  const std::string text = to_text(heap, value), end = a.text(heap, 2, "end", "...");
  const std::int64_t most = a.whole(0, "length", 255), leeway = a.whole(3, "leeway", 5);
  const auto end_size = static_cast<std::int64_t>(length(heap, heap.text(end)));
  if (most < end_size || leeway < 0) throw Error("the chat template truncates a text to less than nothing");
  if (static_cast<std::int64_t>(length(heap, heap.text(text))) <= most + leeway) return heap.text(text);
  std::string cut = text.substr(0, bytes_of(text, most - end_size));
  if (!a.truth(1, "killwords")) cut = cut.substr(0, cut.rfind(' '));
  return heap.text(cut + end);
}

std::int64_t words_in(const std::string& text) {
  std::int64_t count = 0;
  bool inside = false;
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = first_character(rest);
    rest.remove_prefix(next.bytes.size());
    const bool word = next.code == '_' || u_isalnum(next.code);
    if (word && !inside) ++count;
    inside = word;
  }
  return count;
}

using H = Heap;
using V = Value;
using A = Arguments;

const Filters own_filters = {
    {"trim", [](H& h, const V& v,
                const A& a) { return h.text(strip(to_text(h, v), a.text(h, 0, "chars"), true, true)); }},
    {"upper", [](H& h, const V& v, const A&) { return h.text(upper(to_text(h, v))); }},
    {"lower", [](H& h, const V& v, const A&) { return h.text(lower(to_text(h, v))); }},
    {"capitalize", [](H& h, const V& v, const A&) { return h.text(capitalized(to_text(h, v))); }},
    {"title", [](H& h, const V& v, const A&) { return h.text(word_titled(to_text(h, v))); }},
    {"string", [](H& h, const V& v, const A&) { return h.text(to_text(h, v)); }},
    {"safe", [](H& h, const V& v, const A&) { return h.text(to_text(h, v)); }},
    {"int", to_int},
    {"float", to_float},
    {"round", rounded},
    {"abs",
     [](H& h, const V& v, const A&) -> V {
       if (!v.is_number()) throw Error("the chat template asks for the size of a value that is no number");
       return v.number() < 0 ? binary(h, "-", 0, v) : binary(h, "+", 0, v);
     }},
    {"replace",
     [](H& h, const V& v, const A& a) {
       return h.text(
           replaced(h, to_text(h, v), a.text(h, 0, "old"), a.text(h, 1, "new"), a.whole(2, "count", -1)));
     }},
    {"indent", indented},
    {"truncate", truncated},
    {"wordcount", [](H& h, const V& v, const A&) -> V { return words_in(to_text(h, v)); }},
    {"center",
     [](H& h, const V& v, const A& a) {
       A width = a;
       if (width.by_position.empty()) width.by_position.push_back(a.whole(0, "width", 80));
       return dynamic_cast<Function&>(*method_of(h, h.text(to_text(h, v)), "center").object()).call(h, width);
     }},
    {"format",
     [](H& h, const V& v, const A& a) {
       Dict::Entries named;
       for (const auto& [name, value] : a.by_name) named.emplace_back(h.text(name), value);
       const V values = named.empty() ? h.tuple(a.by_position) : V(std::make_shared<const Dict>(h, named));
       return h.text(percent(h, to_text(h, v), values));
     }},
    {"pprint",
     [](H& h, const V& v, const A&) {
       std::string text = to_repr(h, v);
       if (text.size() > 80)
         throw Error("the chat template prints a long value prettily, which is not supported");
       return h.text(std::move(text));
     }},
    {"attr",
     [](H& h, const V& v, const A& a) -> V {
       const Value name = h.text(a.text(h, 0, "name"));
       return v.object() ? v.object()->attribute(h, *name.text()) : method_of(h, v, *name.text());
     }},
    {"default",
     [](H& h, const V& v, const A& a) -> V {
       const Value* otherwise = a.find(0, "default_value");
       const bool missing = v.is_undefined() || (a.truth(1, "boolean") && !is_true(v));
       return !missing ? v : otherwise ? *otherwise : h.text("");
     }},
};

const Filter* find(std::string_view name) {
  if (name == "d") name = "default";
  for (const Filters* filters : {&own_filters, &list_filters, &markup_filters}) {
    if (const auto found = filters->find(name); found != filters->end()) return &found->second;
  }
  return nullptr;
}

}  // namespace

Value filter(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments) {
  const Filter* found = find(name);
  if (!found)
    throw Error("the chat template uses the filter " + in_quotes(name) + ", which is not supported");
  heap.step();
  return (*found)(heap, value, arguments);
}

bool is_filter(std::string_view name) {
  return find(name) != nullptr;
}

}  // namespace qkscope::jinja
