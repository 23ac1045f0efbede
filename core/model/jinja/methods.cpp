// The methods of Python's str and dict that chat templates call.
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "core/error.h"
#include "core/model/jinja/builtins.h"
#include "core/model/jinja/text.h"

namespace qkscope::jinja {
namespace {

std::string argument_text(const Arguments& arguments, std::size_t index, std::string_view name = {}) {
  const Value* value = arguments.find(index, name);
  return value && !value->is_null() ? to_text(*value) : std::string();
}

/// str.title: a capital after everything that is no letter, so "It'S".
std::string titled(const std::string& text) {
  std::string out, word;
  for (const Value& item : items_of(text)) {
    const auto& character = item.get_ref<const std::string&>();
    const UChar32 code = icu::UnicodeString::fromUTF8(character).char32At(0);
    const bool letter = u_isUUppercase(code) || u_isULowercase(code) || u_istitle(code);
    if (!letter) out += capitalized(std::exchange(word, {}));
    (letter ? word : out) += character;
  }
  return out + capitalized(word);
}

/// Without the last, empty line, as str.splitlines.
Value lines_of(std::string_view text, bool keep_ends) {
  Value lines = Value::array();
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of("\n\r"), text.size());
    const std::size_t end = text.substr(length).starts_with("\r\n") ? 2 : length < text.size() ? 1 : 0;
    lines.push_back(std::string(text.substr(0, length + (keep_ends ? end : 0))));
    text.remove_prefix(length + end);
  }
  return lines;
}

bool begins_or_ends(const std::string& text, const Arguments& arguments, bool begins) {
  const Value* start = arguments.find(1, "");
  const Value* stop = arguments.find(2, "");
  const std::string part =
      start ? slice_of(text, *start, stop ? *stop : Value(), Value()).get<std::string>() : text;
  const Value* what = arguments.find(0, "");
  const std::vector<Value> choices =
      what && what->is_array() ? items_of(*what) : std::vector<Value>(1, argument_text(arguments, 0));
  return std::ranges::any_of(choices, [&](const Value& choice) {
    return begins ? part.starts_with(to_text(choice)) : part.ends_with(to_text(choice));
  });
}

std::int64_t place(const std::string& text, std::size_t at) {
  return at == text.npos ? -1 : static_cast<std::int64_t>(length(text.substr(0, at)));
}

std::size_t occurrences(const std::string& text, const std::string& what) {
  if (what.empty()) return length(text) + 1;
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
  return count;
}

Value text_method(std::string_view name, const std::string& text, const Arguments& arguments) {
  const std::string first = argument_text(arguments, 0);
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return strip(text, first, name != "rstrip", name != "lstrip");
  if (name == "split" || name == "rsplit") return split(text, arguments, name == "rsplit");
  if (name == "splitlines") {
    const Value* keep = arguments.find(0, "keepends");
    return lines_of(text, keep && is_true(*keep));
  }
  if (name == "startswith" || name == "endswith")
    return begins_or_ends(text, arguments, name == "startswith");
  if (name == "replace") {
    const Value* count = arguments.find(2, "count");
    return replaced(text, first, argument_text(arguments, 1),
                    count && count->is_number_integer() ? count->get<std::int64_t>() : -1);
  }
  if (name == "upper") return upper(text);
  if (name == "lower") return lower(text);
  if (name == "capitalize") return capitalized(text);
  if (name == "title") return titled(text);
  if (name == "removeprefix") return text.starts_with(first) ? text.substr(first.size()) : text;
  if (name == "removesuffix")
    return text.ends_with(first) ? text.substr(0, text.size() - first.size()) : text;
  if (name == "find") return place(text, text.find(first));
  if (name == "rfind") return place(text, text.rfind(first));
  if (name == "count") return occurrences(text, first);
  if (name == "join") {
    const Value* items = arguments.find(0, "");
    return joined(items ? *items : undefined(), text);
  }
  return undefined();
}

Value object_method(std::string_view name, const Value& object, const Arguments& arguments) {
  if (name == "items") return pairs_of(object);
  if (name == "keys") return items_of(object);
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

Value method(std::string_view name, const Value& value, const Arguments& arguments) {
  const Value result = value.is_string()   ? text_method(name, value.get_ref<const std::string&>(), arguments)
                       : value.is_object() ? object_method(name, value, arguments)
                                           : undefined();
  if (is_undefined(result)) {
    throw Error("the chat template calls '" + std::string(name) + "' on a value that is " + type_name(value) +
                ", which is not supported");
  }
  return result;
}

}  // namespace qkscope::jinja
