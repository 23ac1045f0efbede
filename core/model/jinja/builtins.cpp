// Jinja's filters, as far as chat templates use them.
#include "core/model/jinja/builtins.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>

#include "core/error.h"
#include "core/model/jinja/text.h"
#include "core/model/wording.h"

namespace qkscope::jinja {
namespace {

std::string argument_text(const Arguments& arguments, std::size_t index, std::string_view name,
                          std::string otherwise = {}) {
  const Value* value = arguments.find(index, name);
  return value && !value->is_null() ? to_text(*value) : otherwise;
}

bool argument_true(const Arguments& arguments, std::size_t index, std::string_view name,
                   bool otherwise = false) {
  const Value* value = arguments.find(index, name);
  return value ? is_true(*value) : otherwise;
}

std::int64_t argument_number(const Arguments& arguments, std::size_t index, std::string_view name,
                             std::int64_t otherwise) {
  const Value* value = arguments.find(index, name);
  return value && value->is_number_integer() ? value->get<std::int64_t>() : otherwise;
}

/// Capitals where words begin, which is not where str.title has them: "It's".
std::string titled(const std::string& text) {
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

/// json.dumps with the settings that templates may give it.
struct JsonStyle {
  int indent = -1;
  bool ascii = false, sorted = false;
  std::string comma = ", ", colon = ": ";

  std::string write(const Value& value, int depth = 0) const {
    if (is_undefined(value)) throw Error("the chat template writes a value that is not defined as JSON");
    if (value.is_number_float() || value.is_boolean()) {
      const std::string text = to_text(value);
      return text == "True" ? "true" : text == "False" ? "false" : text;
    }
    if (!value.is_structured() || value.empty())
      return value.dump(-1, ' ', ascii, Value::error_handler_t::replace);
    const auto line = [&](int level) {
      return indent < 0 ? std::string() : "\n" + std::string(static_cast<std::size_t>(indent * level), ' ');
    };
    std::vector<std::pair<std::string, const Value*>> items;
    for (const auto& [key, item] : value.items()) items.emplace_back(key, &item);
    if (sorted && value.is_object()) std::ranges::sort(items);
    std::string out;
    for (const auto& [key, item] : items) {
      if (!out.empty()) out += comma;
      out += line(depth + 1);
      if (value.is_object()) out += Value(key).dump(-1, ' ', ascii, Value::error_handler_t::replace) + colon;
      out += write(*item, depth + 1);
      check_length(out);
    }
    out += line(depth);
    return value.is_array() ? "[" + out + "]" : "{" + out + "}";
  }
};

Value to_json(const Value& value, const Arguments& arguments) {
  JsonStyle style;
  const Value* indent = arguments.find(1, "indent");
  if (indent && indent->is_number_integer()) {
    style.indent = static_cast<int>(std::clamp<std::int64_t>(indent->get<std::int64_t>(), 0, 16));
    style.comma = ",";
  }
  if (const Value* signs = arguments.find(2, "separators");
      signs && signs->is_array() && signs->size() == 2) {
    style.comma = to_text((*signs)[0]);
    style.colon = to_text((*signs)[1]);
  }
  style.ascii = argument_true(arguments, 0, "ensure_ascii");
  style.sorted = argument_true(arguments, 3, "sort_keys");
  return style.write(value);
}

std::string indented(const std::string& text, const Arguments& arguments) {
  const std::string spaces(
      static_cast<std::size_t>(std::clamp<std::int64_t>(argument_number(arguments, 0, "width", 4), 0, 64)),
      ' ');
  const bool blank = argument_true(arguments, 2, "blank");
  std::string out = argument_true(arguments, 1, "first") ? spaces : "";
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && (blank || (i + 1 < text.size() && text[i + 1] != '\n'))) out += spaces;
    check_length(out);
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    constexpr std::string_view signs = "&<>'\"";
    constexpr std::array<const char*, 5> names = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const std::size_t known = signs.find(c);
    out += known == signs.npos ? std::string(1, c) : names[known];
  }
  return out;
}

/// What sort, unique, min and max look at: an attribute where one is named, texts without regard to case.
Value sort_key(const Value& item, const std::string& attribute, bool case_sensitive) {
  const Value key = attribute.empty() ? item : attribute_of(item, attribute);
  return key.is_string() && !case_sensitive ? Value(lower(key.get_ref<const std::string&>())) : key;
}

Value sorted(const Value& value, const std::string& attribute, bool case_sensitive, bool reverse) {
  std::vector<std::pair<Value, Value>> keyed;  // key, item
  for (const Value& item : items_of(value))
    keyed.emplace_back(sort_key(item, attribute, case_sensitive), item);
  std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
    return is_true(reverse ? binary("<", b.first, a.first) : binary("<", a.first, b.first));
  });
  Value out = Value::array();
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  return out;
}

Value unique(const Value& value, const Arguments& arguments) {
  const bool case_sensitive = argument_true(arguments, 0, "case_sensitive");
  const std::string attribute = argument_text(arguments, 1, "attribute");
  std::vector<Value> seen, out;
  for (const Value& item : items_of(value)) {
    const Value key = sort_key(item, attribute, case_sensitive);
    if (is_true(binary("in", key, seen))) continue;
    if (seen.size() > 1000)
      throw Error("the chat template looks for unique items in a list that is too long");
    seen.push_back(key);
    out.push_back(item);
  }
  return out;
}

Value extreme(const Value& value, const Arguments& arguments, bool largest) {
  const Value in_order = sorted(value, argument_text(arguments, 1, "attribute"),
                                argument_true(arguments, 0, "case_sensitive"), largest);
  return in_order.empty() ? undefined() : in_order.front();
}

Value sum(const Value& value, const Arguments& arguments) {
  const std::string attribute = argument_text(arguments, 0, "attribute");
  const Value* start = arguments.find(1, "start");
  Value total = start ? *start : Value(0);
  for (const Value& item : items_of(value))
    total = binary("+", total, attribute.empty() ? item : attribute_of(item, attribute));
  return total;
}

/// select, reject, selectattr, rejectattr: the items, or those of an attribute, that pass a test.
Value selected(const Value& value, const Arguments& arguments, bool by_attribute, bool wanted) {
  const std::string attribute = by_attribute ? argument_text(arguments, 0, "") : "";
  const std::size_t offset = by_attribute ? 1 : 0;
  const std::string name = argument_text(arguments, offset, "");
  Arguments rest;
  if (arguments.by_position.size() > offset + 1)
    rest.by_position.assign(arguments.by_position.begin() + static_cast<std::ptrdiff_t>(offset) + 1,
                            arguments.by_position.end());
  Value out = Value::array();
  for (const Value& item : items_of(value)) {
    const Value looked_at = by_attribute ? attribute_of(item, attribute) : item;
    if ((name.empty() ? is_true(looked_at) : test(name, looked_at, rest)) == wanted) out.push_back(item);
  }
  return out;
}

Value map_filter(const Value& value, const Arguments& arguments) {
  const Value* attribute = arguments.find(SIZE_MAX, "attribute");
  const Value* otherwise = arguments.find(SIZE_MAX, "default");
  Arguments rest;
  if (arguments.by_position.size() > 1)
    rest.by_position.assign(arguments.by_position.begin() + 1, arguments.by_position.end());
  rest.by_name = arguments.by_name;
  Value out = Value::array();
  std::size_t bytes = 0;
  for (const Value& item : items_of(value)) {
    Value result = attribute ? attribute_of(item, to_text(*attribute))
                             : filter(argument_text(arguments, 0, ""), item, rest);
    if (otherwise && is_undefined(result)) result = *otherwise;
    bytes += weight(result);
    if (bytes > most_bytes) throw Error("the chat template makes a list that grows without end");
    out.push_back(std::move(result));
  }
  return out;
}

Value to_int(const Value& value, std::int64_t otherwise) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number_integer()) return value;
  double real = 0;
  if (value.is_number_float()) {
    real = value.get<double>();
  } else if (value.is_string()) {
    const std::string text = strip(value.get_ref<const std::string&>(), {}, true, true);
    const char* end = text.data() + text.size();
    std::int64_t number = 0;
    if (const auto [stop, error] = std::from_chars(text.data(), end, number);
        stop == end && error == std::errc())
      return number;
    if (const auto [stop, error] = std::from_chars(text.data(), end, real);
        stop != end || error != std::errc())
      return otherwise;
  } else {
    return otherwise;
  }
  return std::abs(real) < 9e18 ? Value(static_cast<std::int64_t>(real)) : Value(otherwise);
}

Value to_float(const Value& value, const Arguments& arguments) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  const Value* otherwise = arguments.find(0, "default");
  const std::string text =
      value.is_string() ? strip(value.get_ref<const std::string&>(), {}, true, true) : "";
  double real = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), real);
  const bool known = !text.empty() && stop == text.data() + text.size() && error == std::errc();
  return known ? Value(real) : otherwise ? *otherwise : Value(0.0);
}

/// As Python does: the nearest number with so many decimals, halves to the even one.
Value rounded(const Value& value, const Arguments& arguments) {
  if (!value.is_number()) throw Error("the chat template rounds a value that is no number");
  const std::int64_t precision = argument_number(arguments, 0, "precision", 0);
  const std::string way = argument_text(arguments, 1, "method", "common");
  if (value.is_number_integer() && way == "common") return value;
  const double real = value.get<double>(), scale = std::pow(10.0, static_cast<double>(precision));
  if (way == "ceil") return std::ceil(real * scale) / scale;
  if (way == "floor") return std::floor(real * scale) / scale;
  if (way != "common" || precision < 0 || precision > 15)
    throw Error("the chat template rounds in a way that is not supported");
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", static_cast<int>(precision), real);
  double out = 0;
  std::from_chars(text, text + sizeof text, out);
  return out;
}

using Filter = std::function<Value(const Value&, const Arguments&)>;

const std::map<std::string, Filter, std::less<>> filters = {
    {"trim",
     [](const Value& v, const Arguments& a) -> Value {
       return strip(to_text(v), argument_text(a, 0, "chars"), true, true);
     }},
    {"upper", [](const Value& v, const Arguments&) -> Value { return upper(to_text(v)); }},
    {"lower", [](const Value& v, const Arguments&) -> Value { return lower(to_text(v)); }},
    {"capitalize", [](const Value& v, const Arguments&) -> Value { return capitalized(to_text(v)); }},
    {"title", [](const Value& v, const Arguments&) -> Value { return titled(to_text(v)); }},
    {"string", [](const Value& v, const Arguments&) -> Value { return to_text(v); }},
    {"safe", [](const Value& v, const Arguments&) -> Value { return v; }},
    {"e", [](const Value& v, const Arguments&) -> Value { return escaped(to_text(v)); }},
    {"escape", [](const Value& v, const Arguments&) -> Value { return escaped(to_text(v)); }},
    {"int",
     [](const Value& v, const Arguments& a) -> Value {
       return to_int(v, argument_number(a, 0, "default", 0));
     }},
    {"float", to_float},
    {"round", rounded},
    {"abs",
     [](const Value& v, const Arguments&) -> Value {
       return is_true(binary("<", v, 0)) ? binary("-", 0, v) : v;
     }},
    {"sum", sum},
    {"min", [](const Value& v, const Arguments& a) -> Value { return extreme(v, a, false); }},
    {"max", [](const Value& v, const Arguments& a) -> Value { return extreme(v, a, true); }},
    {"unique", unique},
    {"sort",
     [](const Value& v, const Arguments& a) -> Value {
       return sorted(v, argument_text(a, 2, "attribute"), argument_true(a, 1, "case_sensitive"),
                     argument_true(a, 0, "reverse"));
     }},
    {"length", [](const Value& v, const Arguments&) -> Value { return length(v); }},
    {"count", [](const Value& v, const Arguments&) -> Value { return length(v); }},
    {"list", [](const Value& v, const Arguments&) -> Value { return items_of(v); }},
    {"items", [](const Value& v, const Arguments&) -> Value { return pairs_of(v); }},
    {"dictsort",
     [](const Value& v, const Arguments& a) -> Value {
       return sorted(pairs_of(v), argument_text(a, 1, "by") == "value" ? "1" : "0",
                     argument_true(a, 0, "case_sensitive"), argument_true(a, 2, "reverse"));
     }},
    {"first",
     [](const Value& v, const Arguments&) -> Value {
       const auto items = items_of(v);
       return items.empty() ? undefined() : items.front();
     }},
    {"last",
     [](const Value& v, const Arguments&) -> Value {
       const auto items = items_of(v);
       return items.empty() ? undefined() : items.back();
     }},
    {"reverse", [](const Value& v, const Arguments&) -> Value { return slice_of(v, nullptr, nullptr, -1); }},
    {"join",
     [](const Value& v, const Arguments& a) -> Value {
       return joined(v, argument_text(a, 0, "d"), argument_text(a, 1, "attribute"));
     }},
    {"replace",
     [](const Value& v, const Arguments& a) -> Value {
       return replaced(to_text(v), argument_text(a, 0, "old"), argument_text(a, 1, "new"),
                       argument_number(a, 2, "count", -1));
     }},
    {"indent", [](const Value& v, const Arguments& a) -> Value { return indented(to_text(v), a); }},
    {"default",
     [](const Value& v, const Arguments& a) -> Value {
       const Value* otherwise = a.find(0, "default_value");
       const bool missing = is_undefined(v) || (argument_true(a, 1, "boolean") && !is_true(v));
       return !missing ? v : otherwise ? *otherwise : Value("");
     }},
    {"tojson", to_json},
    {"map", map_filter},
    {"select", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, false, true); }},
    {"reject", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, false, false); }},
    {"selectattr", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, true, true); }},
    {"rejectattr", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, true, false); }},
};

}  // namespace

const Value* Arguments::find(std::size_t index, std::string_view name) const {
  if (index < by_position.size()) return &by_position[index];
  for (const auto& [given, value] : by_name) {
    if (given == name) return &value;
  }
  return nullptr;
}

Value filter(std::string_view name, const Value& value, const Arguments& arguments) {
  const auto found = filters.find(name == "d" ? "default" : name);
  if (found == filters.end())
    throw Error("the chat template uses the filter " + in_quotes(name) + ", which is not supported");
  return found->second(value, arguments);
}

}  // namespace qkscope::jinja
