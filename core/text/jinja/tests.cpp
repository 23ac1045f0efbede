// Jinja's tests.
#include <cstdint>
#include <functional>
#include <map>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/jinja/operators.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

using H = Heap;
using V = Value;
using A = Arguments;
using Test = std::function<bool(H&, const V&, const A&)>;

/// A test that compares: `x is sign y`.
Test comparison(const char* sign) {
  return [sign](H& h, const V& value, const A& arguments) {
    const Value* other = arguments.find(0, "");
    return is_true(binary(h, sign, value, other ? *other : Value()));
  };
}

std::int64_t rest(H& h, const V& value, const V& by) {
  const Value found = binary(h, "%", value, by);
  return found.is_whole() ? found.whole() : found.number() == 0 ? 0 : found.number() == 1 ? 1 : 2;
}

bool in_case(H& h, const V& value, std::string (*changed)(const std::string&),
             std::string (*other)(const std::string&)) {
  const std::string text = to_text(h, value);
  return changed(text) == text && other(text) != text;
}

bool is_same(const V& a, const V& b) {
  if (a.text() && b.text()) return *a.text() == *b.text();
  return a.is_same(b);
}

bool is_test(std::string_view name);

const std::map<std::string, Test, std::less<>> tests = {
    {"defined", [](H&, const V& v, const A&) { return !v.is_undefined(); }},
    {"undefined", [](H&, const V& v, const A&) { return v.is_undefined(); }},
    {"none", [](H&, const V& v, const A&) { return v.is_none(); }},
    {"string", [](H&, const V& v, const A&) { return v.text() != nullptr; }},
    {"mapping", [](H&, const V& v, const A&) { return v.dict() != nullptr; }},
    {"sequence",
     [](H&, const V& v, const A&) {
       const Sequence* list = v.sequence();
       const bool places =
           list && list->kind != Sequence::Kind::Generator && list->kind != Sequence::Kind::View;
       return places || v.dict() || v.text() || v.is_undefined();
     }},
    {"iterable",
     [](H&, const V& v, const A&) { return v.sequence() || v.dict() || v.text() || v.is_undefined(); }},
    {"callable",
     [](H&, const V& v, const A&) { return v.is_undefined() || (v.object() && v.object()->is_callable()); }},
    {"number", [](H&, const V& v, const A&) { return v.is_number(); }},
    {"integer", [](H&, const V& v, const A&) { return v.integer() != nullptr; }},
    {"float", [](H&, const V& v, const A&) { return v.real() != nullptr; }},
    {"boolean", [](H&, const V& v, const A&) { return v.truth() != nullptr; }},
    {"true", [](H&, const V& v, const A&) { return v.truth() && *v.truth(); }},
    {"false", [](H&, const V& v, const A&) { return v.truth() && !*v.truth(); }},
    {"even", [](H& h, const V& v, const A&) { return rest(h, v, 2) == 0; }},
    {"odd", [](H& h, const V& v, const A&) { return rest(h, v, 2) == 1; }},
    {"divisibleby",
     [](H& h, const V& v, const A& a) {
       const Value* by = a.find(0, "num");
       return rest(h, v, by ? *by : Value()) == 0;
     }},
    {"sameas",
     [](H&, const V& v, const A& a) {
       const Value* other = a.find(0, "other");
       return is_same(v, other ? *other : Value());
     }},
    {"escaped", [](H&, const V&, const A&) { return false; }},
    {"filter", [](H&, const V& v, const A&) { return v.text() && is_filter(*v.text()); }},
    {"test", [](H&, const V& v, const A&) { return v.text() && is_test(*v.text()); }},
    {"in", comparison("in")},
    {"equalto", comparison("==")},
    {"eq", comparison("==")},
    {"==", comparison("==")},
    {"ne", comparison("!=")},
    {"!=", comparison("!=")},
    {"lt", comparison("<")},
    {"<", comparison("<")},
    {"lessthan", comparison("<")},
    {"gt", comparison(">")},
    {">", comparison(">")},
    {"greaterthan", comparison(">")},
    {"le", comparison("<=")},
    {"<=", comparison("<=")},
    {"ge", comparison(">=")},
    {">=", comparison(">=")},
    {"upper", [](H& h, const V& v, const A&) { return in_case(h, v, upper, lower); }},
    {"lower", [](H& h, const V& v, const A&) { return in_case(h, v, lower, upper); }},
};

bool is_test(std::string_view name) {
  return tests.contains(name);
}

}  // namespace

bool test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments) {
  const auto found = tests.find(name);
  if (found == tests.end())
    throw Error("the chat template uses the test " + in_quotes(name) + ", which is not supported");
  heap.step();
  return found->second(heap, value, arguments);
}

}  // namespace qkscope::jinja
