// Jinja's filters and tests, and the methods of Python's str and dict, as far as chat templates use them.
#include "core/model/jinja/builtins.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>

#include "core/error.h"

namespace qkscope::jinja {
namespace {

constexpr std::string_view white = " \t\n\r\f\v";

std::string argument_text(const Arguments& arguments, std::size_t index, std::string_view name,
                          std::string otherwise = {}) {
  const Value* value = arguments.find(index, name);
  return value && !value->is_null() ? to_text(*value) : otherwise;
}

std::string strip(std::string_view text, std::string_view characters, bool left, bool right) {
  if (left) text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
  if (right) text = text.substr(0, text.find_last_not_of(characters) + 1);  // npos + 1 is 0
  return std::string(text);
}

std::string mapped(std::string text, char from, char to) {
  for (char& c : text) {
    if (c >= from && c <= from + 25) c = static_cast<char>(c - from + to);
  }
  return text;
}
std::string upper(const std::string& text) { return mapped(text, 'a', 'A'); }
std::string lower(const std::string& text) { return mapped(text, 'A', 'a'); }
std::string capitalized(const std::string& text) {
  return text.empty() ? text : upper(text.substr(0, 1)) + lower(text.substr(1));
}
std::string titled(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || white.find(text[i - 1]) != white.npos || text[i - 1] == '-';
    out += begins ? upper(text.substr(i, 1)) : lower(text.substr(i, 1));
  }
  return out;
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string out;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size())
    out += text.substr(at, found - at) + to;
  return out + text.substr(at);
}

Value split(const std::string& text, const Arguments& arguments, bool from_right) {
  const std::string sign = argument_text(arguments, 0, "sep");
  const Value* limit = arguments.find(1, "maxsplit");
  std::int64_t left = limit && limit->is_number_integer() ? limit->get<std::int64_t>() : -1;
  Value parts = Value::array();
  if (sign.empty()) {  // at any white space
    for (std::size_t at = text.find_first_not_of(white); at != text.npos;) {
      const std::size_t end = left-- == 0 ? text.size() : std::min(text.find_first_of(white, at), text.size());
      parts.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(white, end);
    }
    return parts;
  }
  std::vector<std::string> found;
  std::string rest = text;
  for (; left != 0; --left) {
    const std::size_t at = from_right ? rest.rfind(sign) : rest.find(sign);
    if (at == rest.npos) break;
    found.push_back(from_right ? rest.substr(at + sign.size()) : rest.substr(0, at));
    rest = from_right ? rest.substr(0, at) : rest.substr(at + sign.size());
  }
  found.push_back(rest);
  if (from_right) std::ranges::reverse(found);
  for (std::string& part : found) parts.push_back(std::move(part));
  return parts;
}

/// json.dumps with its separators ", " and ": ", or with an indentation.
std::string to_json(const Value& value, int indent, int depth = 0) {
  if (is_undefined(value)) throw Error("the chat template writes a value that is not defined as JSON");
  if (!value.is_structured() || value.empty()) return value.dump(-1, ' ', false, Value::error_handler_t::replace);
  const auto line = [&](int level) {
    return indent < 0 ? std::string() : "\n" + std::string(static_cast<std::size_t>(indent * level), ' ');
  };
  std::string out;
  for (const auto& [key, item] : value.items()) {
    if (!out.empty()) out += indent < 0 ? ", " : ",";
    out += line(depth + 1);
    if (value.is_object()) out += Value(key).dump() + ": ";
    out += to_json(item, indent, depth + 1);
  }
  out += line(depth);
  return value.is_array() ? "[" + out + "]" : "{" + out + "}";
}

Value list_of(const Value& value) { return Value(items_of(value)); }

Value pairs_of(const Value& value) {
  Value pairs = Value::array();
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) pairs.push_back(Value::array({key, item}));
  }
  return pairs;
}

std::string joined(const Value& value, const std::string& sign, const std::string& attribute) {
  std::string out;
  bool first = true;
  for (const Value& item : items_of(value)) {
    if (!first) out += sign;
    first = false;
    out += to_text(attribute.empty() ? item : item_of(item, attribute));
  }
  return out;
}

std::string indented(const std::string& text, const Arguments& arguments) {
  const Value* width = arguments.find(0, "width");
  const Value* first = arguments.find(1, "first");
  const std::string spaces(
      width && width->is_number_integer() ? std::clamp<std::size_t>(width->get<std::size_t>(), 0, 64) : 4, ' ');
  std::string out = first && is_true(*first) ? spaces : "";
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size() && text[i + 1] != '\n') out += spaces;
  }
  return out;
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
    const Value looked_at = by_attribute ? item_of(item, attribute) : item;
    if ((name.empty() ? is_true(looked_at) : test(name, looked_at, rest)) == wanted) out.push_back(item);
  }
  return out;
}

Value map_filter(const Value& value, const Arguments& arguments) {
  const Value* attribute = arguments.find(SIZE_MAX, "attribute");
  Value out = Value::array();
  for (const Value& item : items_of(value)) {
    if (attribute) {
      out.push_back(item_of(item, *attribute));
    } else {
      Arguments rest;
      if (arguments.by_position.size() > 1)
        rest.by_position.assign(arguments.by_position.begin() + 1, arguments.by_position.end());
      out.push_back(filter(argument_text(arguments, 0, ""), item, rest));
    }
  }
  return out;
}

Value to_int(const Value& value) {
  if (value.is_number_float()) return static_cast<std::int64_t>(value.get<double>());
  if (value.is_number_integer()) return value;
  std::int64_t number = 0;
  const std::string text = strip(to_text(value), white, true, true);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

using Filter = std::function<Value(const Value&, const Arguments&)>;

const std::map<std::string, Filter, std::less<>> filters = {
    {"trim", [](const Value& v, const Arguments& a) -> Value {
       return strip(to_text(v), argument_text(a, 0, "chars", std::string(white)), true, true);
     }},
    {"upper", [](const Value& v, const Arguments&) -> Value { return upper(to_text(v)); }},
    {"lower", [](const Value& v, const Arguments&) -> Value { return lower(to_text(v)); }},
    {"capitalize", [](const Value& v, const Arguments&) -> Value { return capitalized(to_text(v)); }},
    {"title", [](const Value& v, const Arguments&) -> Value { return titled(to_text(v)); }},
    {"string", [](const Value& v, const Arguments&) -> Value { return to_text(v); }},
    {"safe", [](const Value& v, const Arguments&) -> Value { return v; }},
    {"int", [](const Value& v, const Arguments&) -> Value { return to_int(v); }},
    {"abs", [](const Value& v, const Arguments&) -> Value {
       return v.is_number_float() ? Value(std::abs(v.get<double>())) : Value(std::abs(to_int(v).get<std::int64_t>()));
     }},
    {"length", [](const Value& v, const Arguments&) -> Value { return length(v); }},
    {"count", [](const Value& v, const Arguments&) -> Value { return length(v); }},
    {"list", [](const Value& v, const Arguments&) -> Value { return list_of(v); }},
    {"items", [](const Value& v, const Arguments&) -> Value { return pairs_of(v); }},
    {"dictsort", [](const Value& v, const Arguments&) -> Value {
       std::vector<Value> pairs = items_of(pairs_of(v));
       std::ranges::stable_sort(pairs, {}, [](const Value& p) { return lower(p[0].get<std::string>()); });
       return Value(pairs);
     }},
    {"first", [](const Value& v, const Arguments&) -> Value {
       const auto items = items_of(v);
       return items.empty() ? undefined() : items.front();
     }},
    {"last", [](const Value& v, const Arguments&) -> Value {
       const auto items = items_of(v);
       return items.empty() ? undefined() : items.back();
     }},
    {"reverse", [](const Value& v, const Arguments&) -> Value { return slice_of(v, nullptr, nullptr, -1); }},
    {"join", [](const Value& v, const Arguments& a) -> Value {
       return joined(v, argument_text(a, 0, "d"), argument_text(a, 1, "attribute"));
     }},
    {"replace", [](const Value& v, const Arguments& a) -> Value {
       return replaced(to_text(v), argument_text(a, 0, "old"), argument_text(a, 1, "new"));
     }},
    {"indent", [](const Value& v, const Arguments& a) -> Value { return indented(to_text(v), a); }},
    {"default", [](const Value& v, const Arguments& a) -> Value {
       const Value* otherwise = a.find(0, "default_value");
       const Value* also_false = a.find(1, "boolean");
       const bool missing = is_undefined(v) || (also_false && is_true(*also_false) && !is_true(v));
       return !missing ? v : otherwise ? *otherwise : Value("");
     }},
    {"tojson", [](const Value& v, const Arguments& a) -> Value {
       const Value* indent = a.find(SIZE_MAX, "indent");
       return to_json(v, indent && indent->is_number_integer() ? std::clamp(indent->get<int>(), 0, 16) : -1);
     }},
    {"map", map_filter},
    {"select", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, false, true); }},
    {"reject", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, false, false); }},
    {"selectattr", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, true, true); }},
    {"rejectattr", [](const Value& v, const Arguments& a) -> Value { return selected(v, a, true, false); }},
};

using Test = std::function<bool(const Value&, const Arguments&)>;

/// A test that compares: `x is sign y`.
Test comparison(const char* sign) {
  return [sign](const Value& value, const Arguments& arguments) {
    const Value* other = arguments.find(0, "");
    return is_true(binary(sign, value, other ? *other : undefined()));
  };
}

bool divides(const Value& value, std::int64_t by, std::int64_t rest) {
  return value.is_number_integer() && by != 0 && value.get<std::int64_t>() % by == rest;
}

const std::map<std::string, Test, std::less<>> tests = {
    {"defined", [](const Value& v, const Arguments&) { return !is_undefined(v); }},
    {"undefined", [](const Value& v, const Arguments&) { return is_undefined(v); }},
    {"none", [](const Value& v, const Arguments&) { return v.is_null(); }},
    {"string", [](const Value& v, const Arguments&) { return v.is_string(); }},
    {"mapping", [](const Value& v, const Arguments&) { return v.is_object(); }},
    {"sequence", [](const Value& v, const Arguments&) { return v.is_array() || v.is_object() || v.is_string(); }},
    {"iterable", [](const Value& v, const Arguments&) {
       return v.is_array() || v.is_object() || v.is_string() || is_undefined(v);
     }},
    {"number", [](const Value& v, const Arguments&) { return v.is_number() || v.is_boolean(); }},
    {"integer", [](const Value& v, const Arguments&) { return v.is_number_integer(); }},
    {"float", [](const Value& v, const Arguments&) { return v.is_number_float(); }},
    {"boolean", [](const Value& v, const Arguments&) { return v.is_boolean(); }},
    {"true", [](const Value& v, const Arguments&) { return v.is_boolean() && v.get<bool>(); }},
    {"false", [](const Value& v, const Arguments&) { return v.is_boolean() && !v.get<bool>(); }},
    {"even", [](const Value& v, const Arguments&) { return divides(v, 2, 0); }},
    {"odd", [](const Value& v, const Arguments&) { return v.is_number_integer() && !divides(v, 2, 0); }},
    {"divisibleby", [](const Value& v, const Arguments& a) {
       const Value* by = a.find(0, "num");
       return by && by->is_number_integer() && divides(v, by->get<std::int64_t>(), 0);
     }},
    {"in", comparison("in")},
    {"equalto", comparison("==")},
    {"eq", comparison("==")},
    {"==", comparison("==")},
    {"ne", comparison("!=")},
    {"!=", comparison("!=")},
    {"lt", comparison("<")},
    {"gt", comparison(">")},
    {"le", comparison("<=")},
    {"ge", comparison(">=")},
};

Value text_method(std::string_view name, const std::string& text, const Arguments& arguments) {
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return strip(text, argument_text(arguments, 0, "chars", std::string(white)), name != "rstrip", name != "lstrip");
  }
  if (name == "split" || name == "rsplit") return split(text, arguments, name == "rsplit");
  if (name == "splitlines") {
    Value lines = split(text, Arguments{{Value("\n")}, {}}, false);
    if (!lines.empty() && lines.back() == "") lines.erase(lines.size() - 1);
    return lines;
  }
  if (name == "startswith" || name == "endswith") {
    const Value* what = arguments.find(0, "");
    const std::vector<Value> choices =
        what && what->is_array() ? items_of(*what) : std::vector<Value>{argument_text(arguments, 0, "")};
    return std::ranges::any_of(choices, [&](const Value& choice) {
      return name == "startswith" ? text.starts_with(to_text(choice)) : text.ends_with(to_text(choice));
    });
  }
  if (name == "replace") return replaced(text, argument_text(arguments, 0, ""), argument_text(arguments, 1, ""));
  if (name == "upper") return upper(text);
  if (name == "lower") return lower(text);
  if (name == "capitalize") return capitalized(text);
  if (name == "title") return titled(text);
  if (name == "find") {
    const std::size_t at = text.find(argument_text(arguments, 0, ""));
    return at == text.npos ? Value(-1) : Value(length(text.substr(0, at)));
  }
  if (name == "count") {
    const std::string what = argument_text(arguments, 0, "");
    return split(text, Arguments{{Value(what)}, {}}, false).size() - 1;
  }
  if (name == "join") {
    const Value* items = arguments.find(0, "");
    return joined(items ? *items : undefined(), text, "");
  }
  return undefined();
}

Value object_method(std::string_view name, const Value& object, const Arguments& arguments) {
  if (name == "items") return pairs_of(object);
  if (name == "keys") return list_of(object);
  if (name == "values") {
    Value values = Value::array();
    for (const Value& value : object) values.push_back(value);
    return values;
  }
  if (name == "get") {
    const Value* key = arguments.find(0, "");
    const Value found = key ? item_of(object, *key) : undefined();
    const Value* otherwise = arguments.find(1, "");
    return !is_undefined(found) ? found : otherwise ? *otherwise : Value(nullptr);
  }
  return undefined();
}

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
    throw Error("the chat template uses the filter '" + std::string(name) + "', which is not supported");
  return found->second(value, arguments);
}

bool test(std::string_view name, const Value& value, const Arguments& arguments) {
  const auto found = tests.find(name);
  if (found == tests.end())
    throw Error("the chat template uses the test '" + std::string(name) + "', which is not supported");
  return found->second(value, arguments);
}

Value method(std::string_view name, const Value& value, const Arguments& arguments) {
  const Value result = value.is_string()   ? text_method(name, value.get_ref<const std::string&>(), arguments)
                       : value.is_object() ? object_method(name, value, arguments)
                                           : undefined();
  if (is_undefined(result))
    throw Error("the chat template calls '" + std::string(name) + "' on a value that is " +
                (is_undefined(value) ? "not defined" : value.type_name()) + ", which is not supported");
  return result;
}

}  // namespace qkscope::jinja
