#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/model/jinja/template.h"

namespace qkscope::jinja {

inline Value undefined() {
  return Value(nlohmann::json::value_t::discarded);
}
inline bool is_undefined(const Value& value) {
  return value.is_discarded();
}

/// The arguments of a call, evaluated.
struct Arguments {
  std::vector<Value> by_position;
  std::vector<std::pair<std::string, Value>> by_name;

  /// The argument at `index`, or of this name; null where it was not given.
  const Value* find(std::size_t index, std::string_view name) const;
};

/// As Python's bool(), str(), repr() and len() see a value. length() throws Error for what has none.
bool is_true(const Value& value);
std::string to_text(const Value& value);
std::string to_repr(const Value& value);
std::size_t length(const Value& value);

/// What a loop, `in` or `list` goes through: a list's items, an object's keys, a text's characters. Throws
/// Error for what has none, or has too many.
std::vector<Value> items_of(const Value& value);
/// An object's keys and values, each pair a list.
Value pairs_of(const Value& value);
/// "string", "undefined", ...: for an error message.
const char* type_name(const Value& value);

/// No value may take more memory or be nested deeper: a template comes from anywhere.
constexpr std::size_t most_bytes = std::size_t{16} << 20;
constexpr int most_levels = 100;
/// Bytes that a value takes, roughly. Throws Error where there are more than `most_bytes` or too many levels.
std::size_t weight(const Value& value, int level = 0);

/// `left` `sign` `right` for every operator but "and" and "or", which look at their right side only when they
/// must.
Value binary(std::string_view sign, const Value& left, const Value& right);
Value item_of(const Value& value, const Value& key);
/// What filters mean by an attribute: "role", "function.name", "0".
Value attribute_of(const Value& value, std::string_view path);
Value slice_of(const Value& value, const Value& start, const Value& stop, const Value& step);

/// value | name(arguments), value is name(arguments), value.name(arguments). Throw Error for an unknown name.
Value filter(std::string_view name, const Value& value, const Arguments& arguments);
bool test(std::string_view name, const Value& value, const Arguments& arguments);
Value method(std::string_view name, const Value& value, const Arguments& arguments);

}  // namespace qkscope::jinja
