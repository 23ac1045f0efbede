#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/jinja/value.h"

namespace qkscope::jinja {

/// The arguments of a call, evaluated.
struct Arguments {
  std::vector<Value> by_position;
  std::vector<std::pair<std::string, Value>> by_name;

  /// The argument at `index`, or of this name; null where it was not given.
  const Value* find(std::size_t index, std::string_view name) const;
  /// The same as a text, a truth value, a whole number; `otherwise` where it was not given, or is none.
  std::string text(Heap& heap, std::size_t index, std::string_view name, std::string otherwise = {}) const;
  bool truth(std::size_t index, std::string_view name, bool otherwise = false) const;
  std::int64_t whole(std::size_t index, std::string_view name, std::int64_t otherwise) const;
};

/// `left` `sign` `right` for every operator but "and" and "or", which look at their right side only when they
/// must.
Value binary(Heap& heap, std::string_view sign, const Value& left, const Value& right);

/// value[key], and value.name: the one prefers items, the other methods and attributes. Undefined where there
/// is none; throw Error for an undefined value.
Value item_of(Heap& heap, const Value& value, const Value& key);
Value attribute_of(Heap& heap, const Value& value, const Value& name);
/// What filters mean by an attribute: "role", "function.name", "0", 0.
Value path_of(Heap& heap, const Value& value, const Value& path);
/// value[start:stop:step], undefined ones left out.
Value slice_of(Heap& heap, const Value& value, const Value& start, const Value& stop, const Value& step);

/// value | name(arguments), value is name(arguments). Throw Error for an unknown name.
Value filter(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments);
bool is_filter(std::string_view name);
bool test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments);

/// A method that was looked up and not yet called; undefined where values of this kind have none of the name.
Value method_of(Heap& heap, const Value& value, std::string_view name);

/// `format` % `values`, and format.format(arguments). Throw Error where the two do not fit.
std::string percent(Heap& heap, const std::string& format, const Value& values);
std::string formatted(Heap& heap, const std::string& format, const Arguments& arguments);

}  // namespace qkscope::jinja
