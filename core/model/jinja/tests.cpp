// Jinja's tests, as far as chat templates use them.
#include <cstdint>
#include <functional>
#include <map>

#include "core/error.h"
#include "core/model/jinja/builtins.h"
#include "core/model/jinja/text.h"
#include "core/model/wording.h"

namespace qkscope::jinja {
namespace {

using Test = std::function<bool(const Value&, const Arguments&)>;

/// A test that compares: `x is sign y`.
Test comparison(const char* sign) {
  return [sign](const Value& value, const Arguments& arguments) {
    const Value* other = arguments.find(0, "");
    return is_true(binary(sign, value, other ? *other : undefined()));
  };
}

bool divides(const Value& value, std::int64_t by, std::int64_t rest) {
  if (!value.is_number_integer() || by == 0) return false;
  return by == -1 ? rest == 0 : value.get<std::int64_t>() % by == rest;
}

const std::map<std::string, Test, std::less<>> tests = {
    {"defined", [](const Value& v, const Arguments&) { return !is_undefined(v); }},
    {"undefined", [](const Value& v, const Arguments&) { return is_undefined(v); }},
    {"none", [](const Value& v, const Arguments&) { return v.is_null(); }},
    {"string", [](const Value& v, const Arguments&) { return v.is_string(); }},
    {"mapping", [](const Value& v, const Arguments&) { return v.is_object(); }},
    {"sequence",
     [](const Value& v, const Arguments&) { return v.is_array() || v.is_object() || v.is_string(); }},
    {"iterable",
     [](const Value& v, const Arguments&) {
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
    {"divisibleby",
     [](const Value& v, const Arguments& a) {
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
    {"greaterthan", comparison(">")},
    {"lessthan", comparison("<")},
    {"upper",
     [](const Value& v, const Arguments&) {
       return upper(to_text(v)) == to_text(v) && lower(to_text(v)) != to_text(v);
     }},
    {"lower",
     [](const Value& v, const Arguments&) {
       return lower(to_text(v)) == to_text(v) && upper(to_text(v)) != to_text(v);
     }},
    {"le", comparison("<=")},
    {"ge", comparison(">=")},
};

}  // namespace

bool test(std::string_view name, const Value& value, const Arguments& arguments) {
  const auto found = tests.find(name);
  if (found == tests.end())
    throw Error("the chat template uses the test " + in_quotes(name) + ", which is not supported");
  return found->second(value, arguments);
}

}  // namespace qkscope::jinja
