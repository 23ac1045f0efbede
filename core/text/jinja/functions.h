#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/text/jinja/operators.h"

namespace qkscope::jinja {

/// A function or a method with its object.
class Function : public Object {
 public:
  using Call = std::function<Value(Heap&, const Arguments&)>;
  Function(std::string name, Call call) : name_(std::move(name)), call_(std::move(call)) {}

  Value call(Heap& heap, const Arguments& arguments) const { return call_(heap, arguments); }
  const char* type() const override { return "function"; }
  std::string repr(Heap& heap) const override;

 private:
  std::string name_;
  Call call_;
};

/// What {% set space.name %} may change.
class Namespace : public Object {
 public:
  /// Throws Error for a name that begins with an underscore, as transformers does.
  void set(const std::string& name, Value value);
  const char* type() const override { return "namespace"; }
  bool is_callable() const override { return false; }
  Value attribute(Heap& heap, std::string_view name) override;
  void clear() override { values_.clear(); }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

/// The functions every template can call: range, dict, namespace, cycler, joiner, raise_exception,
/// strftime_now, lipsum. Undefined for another name.
Value global(std::string_view name);

}  // namespace qkscope::jinja
