// How Python sees values: truth, text, length, items and operators.
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "core/error.h"
#include "core/model/jinja/builtins.h"
#include "core/model/tokenizer/utf8.h"

namespace qkscope::jinja {
namespace {

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value,
                                         plain ? std::chars_format::fixed : std::chars_format::scientific)
                               .ptr);
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

[[noreturn]] void refuse(std::string_view sign, const Value& left, const Value& right) {
  throw Error("the chat template applies '" + std::string(sign) + "' to a value that is " + type_name(left) +
              " and one that is " + type_name(right));
}

bool is_number(const Value& value) {
  return value.is_number() || value.is_boolean();
}
bool is_whole(const Value& value) {
  return value.is_number_integer() || value.is_boolean();
}
double real(const Value& value) {
  return value.is_boolean() ? value.get<bool>() : value.get<double>();
}
std::int64_t whole(const Value& value) {
  return value.is_boolean() ? value.get<bool>() : value.get<std::int64_t>();
}

bool equal(const Value& left, const Value& right) {
  if (is_undefined(left) || is_undefined(right)) return is_undefined(left) && is_undefined(right);
  if (is_number(left) && is_number(right)) return real(left) == real(right);
  return left == right;
}

/// What int64 cannot hold is refused; Python's numbers have no end.
Value whole_result(std::string_view sign, const Value& left, const Value& right) {
  const std::int64_t a = whole(left), b = whole(right);
  std::int64_t result = 0;
  bool overflow = false;
  if (sign == "+") overflow = __builtin_add_overflow(a, b, &result);
  if (sign == "-") overflow = __builtin_sub_overflow(a, b, &result);
  if (sign == "*") overflow = __builtin_mul_overflow(a, b, &result);
  if (sign == "//" || sign == "%") {  // rounds downwards, unlike C++
    if (b == 0 || (a == INT64_MIN && b == -1)) refuse(sign, left, right);
    const bool down = a % b != 0 && (a < 0) != (b < 0);
    result = sign == "%" ? a % b + (down ? b : 0) : a / b - (down ? 1 : 0);
  }
  if (overflow) refuse(sign, left, right);
  return result;
}

Value arithmetic(std::string_view sign, const Value& left, const Value& right) {
  if (is_whole(left) && is_whole(right) && sign != "/") return whole_result(sign, left, right);
  const double a = real(left), b = real(right);
  if (sign == "+") return a + b;
  if (sign == "-") return a - b;
  if (sign == "*") return a * b;
  if (b == 0) refuse(sign, left, right);
  if (sign == "/") return a / b;
  const double quotient = std::floor(a / b);
  return sign == "//" ? quotient : a - quotient * b;
}

bool contains(const Value& container, const Value& value) {
  if (container.is_string() && value.is_string())
    return container.get_ref<const std::string&>().find(value.get_ref<const std::string&>()) !=
           std::string::npos;
  if (container.is_object())
    return value.is_string() && container.contains(value.get_ref<const std::string&>());
  if (container.is_array())
    return std::ranges::any_of(container, [&](const Value& item) { return equal(item, value); });
  if (is_undefined(container)) return false;
  refuse("in", value, container);
}

bool less(std::string_view sign, const Value& left, const Value& right) {
  if (is_number(left) && is_number(right)) return real(left) < real(right);
  if (left.is_string() && right.is_string()) return left < right;
  refuse(sign, left, right);
}

/// str.isprintable of one character.
bool is_printable(UChar32 code) {
  return code == ' ' || ((U_GET_GC_MASK(code) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0 && code >= 0);
}

std::string escape(UChar32 code) {
  char text[16];
  std::snprintf(text, sizeof text,
                code > 0xFFFF ? "\\U%08x"
                : code > 0xFF ? "\\u%04x"
                              : "\\x%02x",
                static_cast<unsigned>(code));
  return text;
}

}  // namespace

const char* type_name(const Value& value) {
  return is_undefined(value) ? "undefined" : value.type_name();
}

std::size_t weight(const Value& value, int level) {
  if (level > most_levels) throw Error("the chat template nests a value too deep");
  std::size_t bytes = sizeof(Value);
  if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
  if (value.is_structured()) {
    for (const auto& [key, item] : value.items()) {
      bytes += (value.is_object() ? key.size() : 0) + weight(item, level + 1);
      if (bytes > most_bytes) break;
    }
  }
  if (bytes > most_bytes) throw Error("the chat template makes a value that grows without end");
  return bytes;
}

bool is_true(const Value& value) {
  if (is_undefined(value) || value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

std::string to_repr(const Value& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
    std::string out(1, quote);
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t size = std::max<std::size_t>(1, character_length(rest));
      const UChar32 code =
          icu::UnicodeString::fromUTF8({rest.data(), static_cast<std::int32_t>(size)}).char32At(0);
      constexpr std::string_view letters = "ntr", controls = "\n\t\r";
      if (const std::size_t known = controls.find(rest.front()); known != controls.npos) {
        out += {'\\', letters[known]};
      } else if (code == quote || code == '\\') {
        out += {'\\', rest.front()};
      } else {
        out += is_printable(code) ? std::string(rest.substr(0, size)) : escape(code);
      }
      rest.remove_prefix(size);
    }
    return out + quote;
  }
  if (value.is_array() || value.is_object()) {
    std::string out;
    for (const auto& [key, item] : value.items()) {
      if (!out.empty()) out += ", ";
      if (value.is_object()) out += to_repr(key) + ": ";
      out += to_repr(item);
    }
    return value.is_array() ? "[" + out + "]" : "{" + out + "}";
  }
  return to_text(value);
}

std::string to_text(const Value& value) {
  if (is_undefined(value)) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_number_float()) return real_text(value.get<double>());
  if (value.is_number()) return value.dump();
  return to_repr(value);
}

std::size_t length(const Value& value) {
  if (value.is_string()) {
    std::size_t count = 0;
    for (std::string_view rest = value.get_ref<const std::string&>(); !rest.empty(); ++count)
      rest.remove_prefix(std::max<std::size_t>(1, character_length(rest)));
    return count;
  }
  if (value.is_array() || value.is_object()) return value.size();
  if (is_undefined(value)) return 0;
  throw Error(std::string("the chat template asks for the length of a value that is ") + type_name(value));
}

std::vector<Value> items_of(const Value& value) {
  std::vector<Value> items;
  if (value.is_array()) {
    items.assign(value.begin(), value.end());
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) items.emplace_back(key);
  } else if (value.is_string()) {
    std::string_view rest = value.get_ref<const std::string&>();
    if (rest.size() > most_bytes / sizeof(std::string))
      throw Error("the chat template takes apart a text that is too long");
    while (!rest.empty()) {
      const std::size_t size = std::max<std::size_t>(1, character_length(rest));
      items.emplace_back(std::string(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
  } else if (!is_undefined(value)) {
    throw Error(std::string("the chat template goes through a value that is ") + type_name(value) +
                ", which has no items");
  }
  return items;
}

Value pairs_of(const Value& value) {
  Value pairs = Value::array();
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) pairs.push_back(Value::array({key, item}));
  }
  return pairs;
}

Value binary(std::string_view sign, const Value& left, const Value& right) {
  if (sign == "~") return to_text(left) + to_text(right);
  if (sign == "==") return equal(left, right);
  if (sign == "!=") return !equal(left, right);
  if (sign == "in") return contains(right, left);
  if (sign == "not in") return !contains(right, left);
  if (sign == "<") return less(sign, left, right);
  if (sign == ">") return less(sign, right, left);
  if (sign == "<=") return !less(sign, right, left);
  if (sign == ">=") return !less(sign, left, right);
  if (is_number(left) && is_number(right)) return arithmetic(sign, left, right);
  if (sign == "+" && left.is_string() && right.is_string())
    return left.get_ref<const std::string&>() + right.get_ref<const std::string&>();
  if (sign == "+" && left.is_array() && right.is_array()) {
    Value sum = left;
    for (const Value& item : right) sum.push_back(item);
    return sum;
  }
  if (sign == "*" && is_whole(left) && !is_number(right)) return binary(sign, right, left);
  if (sign == "*" && (left.is_string() || left.is_array()) && is_whole(right)) {
    const std::int64_t count = std::max<std::int64_t>(0, whole(right));
    if (count > 0 && weight(left) > most_bytes / static_cast<std::size_t>(count)) refuse(sign, left, right);
    std::string text;
    Value list = Value::array();
    for (std::int64_t i = 0; i < count; ++i) {
      if (left.is_string()) text += left.get_ref<const std::string&>();
      if (left.is_array()) list.insert(list.end(), left.begin(), left.end());
    }
    return left.is_string() ? Value(text) : list;
  }
  refuse(sign, left, right);
}

Value item_of(const Value& value, const Value& key) {
  if (is_undefined(value)) throw Error("the chat template looks into a value that is not defined");
  if (value.is_object() && key.is_string()) {
    const auto found = value.find(key.get_ref<const std::string&>());
    return found == value.end() ? undefined() : *found;
  }
  if ((value.is_array() || value.is_string()) && is_whole(key)) {
    const std::vector<Value> characters = value.is_string() ? items_of(value) : std::vector<Value>();
    const auto size = static_cast<std::int64_t>(value.is_string() ? characters.size() : value.size());
    std::int64_t index = whole(key);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return undefined();
    const auto at = static_cast<std::size_t>(index);
    return value.is_string() ? characters[at] : value[at];
  }
  return undefined();
}

Value attribute_of(const Value& value, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string_view key = path.substr(0, dot);
  std::int64_t index = 0;
  const char* end = key.data() + key.size();
  const bool number = !key.empty() && std::from_chars(key.data(), end, index).ptr == end;
  const Value found = item_of(value, number ? Value(index) : Value(std::string(key)));
  return dot == path.npos ? found : attribute_of(found, path.substr(dot + 1));
}

Value slice_of(const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (!value.is_array() && !value.is_string())
    throw Error(std::string("the chat template takes a slice of a value that is ") + type_name(value));
  const std::vector<Value> items = items_of(value);
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t stride = is_whole(step) ? whole(step) : 1;
  if (stride == 0) throw Error("the chat template takes a slice with a step of 0");
  const auto bound = [&](const Value& given, std::int64_t otherwise) {
    if (!is_whole(given)) return otherwise;
    const std::int64_t at = whole(given) < 0 ? whole(given) + size : whole(given);
    return std::clamp<std::int64_t>(at, stride < 0 ? -1 : 0, stride < 0 ? size - 1 : size);
  };
  const std::int64_t first = bound(start, stride < 0 ? size - 1 : 0),
                     end = bound(stop, stride < 0 ? -1 : size);
  Value list = Value::array();
  std::string text;
  for (std::int64_t i = first; stride < 0 ? i > end : i < end; i += std::clamp(stride, -size, size)) {
    const Value& item = items[static_cast<std::size_t>(i)];
    if (value.is_string()) {
      text += item.get_ref<const std::string&>();
    } else {
      list.push_back(item);
    }
  }
  return value.is_string() ? Value(text) : list;
}

}  // namespace qkscope::jinja
