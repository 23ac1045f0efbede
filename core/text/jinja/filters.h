#pragma once
#include <functional>
#include <map>
#include <string>

#include "core/text/jinja/operators.h"

namespace qkscope::jinja {

using Filter = std::function<Value(Heap&, const Value&, const Arguments&)>;
using Filters = std::map<std::string, Filter, std::less<>>;

/// Those that go through lists and dicts, and those for pages; the others stand in filters.cpp.
extern const Filters list_filters;
extern const Filters markup_filters;

/// json.dumps, with the settings that transformers' filter takes.
Value to_json(Heap& heap, const Value& value, const Arguments& arguments);

}  // namespace qkscope::jinja
