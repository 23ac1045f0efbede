#include "core/text/jinja/operators.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/error.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

[[noreturn]] void refuse(std::string_view sign, const Value& left, const Value& right) {
  throw Error("the chat template applies '" + std::string(sign) + "' to a value that is " + type_name(left) +
              " and one that is " + type_name(right));
}

/// `base` to the power of `exponent`, which is not negative. False where int64 cannot hold it.
bool power(std::int64_t base, std::int64_t exponent, std::int64_t& result) {
  result = 1;
  if (base == 0 || base == 1) exponent = std::min<std::int64_t>(exponent, 1);
  if (base == -1) exponent %= 2;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) return false;
  }
  return true;
}

/// What int64 cannot hold is refused; Python's numbers have no end.
Value whole_result(std::string_view sign, const Value& left, const Value& right) {
  const std::int64_t a = left.whole(), b = right.whole();
  std::int64_t result = 0;
  bool overflow = false;
  if (sign == "+") overflow = __builtin_add_overflow(a, b, &result);
  if (sign == "-") overflow = __builtin_sub_overflow(a, b, &result);
  if (sign == "*") overflow = __builtin_mul_overflow(a, b, &result);
  if (sign == "**") overflow = !power(a, b, result);
  if (sign == "//" || sign == "%") {  // rounds downwards, unlike C++
    if (b == 0 || (a == INT64_MIN && b == -1)) refuse(sign, left, right);
    const bool down = a % b != 0 && (a < 0) != (b < 0);
    result = sign == "%" ? a % b + (down ? b : 0) : a / b - (down ? 1 : 0);
  }
  if (overflow) refuse(sign, left, right);
  return result;
}

Value arithmetic(std::string_view sign, const Value& left, const Value& right) {
  const bool to_less_than_one = sign == "**" && right.is_whole() && right.whole() < 0;
  if (left.is_whole() && right.is_whole() && sign != "/" && !to_less_than_one)
    return whole_result(sign, left, right);
  const double a = left.number(), b = right.number();
  if (sign == "+") return a + b;
  if (sign == "-") return a - b;
  if (sign == "*") return a * b;
  if (sign == "**") {
    const double result = std::pow(a, b);
    if (!std::isfinite(result) && std::isfinite(a) && std::isfinite(b)) refuse(sign, left, right);
    return result;
  }
  if (b == 0) refuse(sign, left, right);
  if (sign == "/") return a / b;
  const double quotient = std::floor(a / b);
  return sign == "//" ? quotient : a - quotient * b;
}

bool contains(Heap& heap, const Value& container, const Value& value) {
  if (container.text() && value.text()) {
    heap.step(1 + container.text()->size() / 256);
    return container.text()->find(*value.text()) != std::string::npos;
  }
  if (container.dict()) return container.dict()->find(value) != nullptr;
  if (container.sequence())
    return std::ranges::any_of(items_of(heap, container),
                               [&](const Value& item) { return equal(heap, item, value); });
  if (container.is_undefined()) return false;
  refuse("in", value, container);
}

Value repeated(Heap& heap, const Value& value, std::int64_t count) {
  if (value.text()) {
    Output out(heap);
    out.repeat(*value.text(), count);
    return heap.text(out.take());
  }
  const std::vector<Value>& items = value.sequence()->items;
  const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
  if (times > (std::uint64_t{1} << 32)) throw Error("the chat template makes a list that grows without end");
  heap.charge(times * items.size() * sizeof(Value));
  std::vector<Value> list;
  for (std::uint64_t i = 0; i < times; ++i) list.insert(list.end(), items.begin(), items.end());
  heap.refund(times * items.size() * sizeof(Value));
  return value.sequence()->kind == Sequence::Kind::Tuple ? heap.tuple(std::move(list))
                                                         : heap.list(std::move(list));
}

bool is_list(const Value& value) {
  return value.sequence() &&
         (value.sequence()->kind == Sequence::Kind::List || value.sequence()->kind == Sequence::Kind::Tuple);
}

/// Items can be asked for by number: not those of generators and views.
bool has_places(const Value& value) {
  return is_list(value) || (value.sequence() && value.sequence()->kind == Sequence::Kind::Range);
}

}  // namespace

const Value* Arguments::find(std::size_t index, std::string_view name) const {
  if (index < by_position.size()) return &by_position[index];
  for (const auto& [given, value] : by_name) {
    if (given == name) return &value;
  }
  return nullptr;
}

std::string Arguments::text(Heap& heap, std::size_t index, std::string_view name,
                            std::string otherwise) const {
  const Value* value = find(index, name);
  return value && !value->is_none() ? to_text(heap, *value) : otherwise;
}

bool Arguments::truth(std::size_t index, std::string_view name, bool otherwise) const {
  const Value* value = find(index, name);
  return value ? is_true(*value) : otherwise;
}

std::int64_t Arguments::whole(std::size_t index, std::string_view name, std::int64_t otherwise) const {
  const Value* value = find(index, name);
  return value && value->is_whole() ? value->whole() : otherwise;
}

Value binary(Heap& heap, std::string_view sign, const Value& left, const Value& right) {
  if (sign == "~") {
    Output out(heap);
    out += to_text(heap, left);
    out += to_text(heap, right);
    return heap.text(out.take());
  }
  if (sign == "==") return equal(heap, left, right);
  if (sign == "!=") return !equal(heap, left, right);
  if (sign == "in") return contains(heap, right, left);
  if (sign == "not in") return !contains(heap, right, left);
  if (sign == "<") return less(heap, sign, left, right);
  if (sign == ">") return less(heap, sign, right, left);
  if (sign == "<=") return less(heap, sign, left, right) || equal(heap, left, right);
  if (sign == ">=") return less(heap, sign, right, left) || equal(heap, left, right);
  if (left.is_number() && right.is_number()) return arithmetic(sign, left, right);
  if (sign == "%" && left.text()) return heap.text(percent(heap, *left.text(), right));
  if (sign == "+" && left.text() && right.text()) return binary(heap, "~", left, right);
  if (sign == "+" && is_list(left) && is_list(right) && left.sequence()->kind == right.sequence()->kind) {
    std::vector<Value> sum = items_of(heap, left);
    const std::vector<Value>& more = right.sequence()->items;
    sum.insert(sum.end(), more.begin(), more.end());
    return left.sequence()->kind == Sequence::Kind::Tuple ? heap.tuple(std::move(sum))
                                                          : heap.list(std::move(sum));
  }
  if (sign == "*" && left.is_whole() && (right.text() || is_list(right)))
    return repeated(heap, right, left.whole());
  if (sign == "*" && (left.text() || is_list(left)) && right.is_whole())
    return repeated(heap, left, right.whole());
  refuse(sign, left, right);
}

Value item_of(Heap& heap, const Value& value, const Value& key) {
  if (value.is_undefined()) throw Error("the chat template looks into a value that is not defined");
  if (value.dict() && (key.text() || key.is_number() || key.is_none())) {
    if (const Value* found = value.dict()->find(key)) return *found;
  }
  if (has_places(value) && key.is_whole()) {
    const auto& items = value.sequence()->items;
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t index = key.whole() < 0 ? key.whole() + size : key.whole();
    return index < 0 || index >= size ? Value() : items[static_cast<std::size_t>(index)];
  }
  if (value.text() && key.is_whole()) {
    const std::string& text = *value.text();
    const auto size = static_cast<std::int64_t>(length(heap, value));
    const std::int64_t index = key.whole() < 0 ? key.whole() + size : key.whole();
    if (index < 0 || index >= size) return {};
    return heap.text(
        std::string(first_character(std::string_view(text).substr(bytes_of(text, index))).bytes));
  }
  if (!key.text()) return {};
  if (value.object()) return value.object()->attribute(heap, *key.text());
  return method_of(heap, value, *key.text());
}

Value attribute_of(Heap& heap, const Value& value, const Value& name) {
  if (value.is_undefined())
    throw Error("the chat template looks for '" + *name.text() + "' in a value that is not defined");
  if (value.object()) return value.object()->attribute(heap, *name.text());
  if (Value method = method_of(heap, value, *name.text()); !method.is_undefined()) return method;
  return item_of(heap, value, name);
}

Value path_of(Heap& heap, const Value& value, const Value& path) {
  if (!path.text()) return item_of(heap, value, path);
  Value found = value;
  for (std::string_view rest = *path.text();;) {
    const std::size_t dot = rest.find('.');
    const std::string_view key = rest.substr(0, dot);
    std::int64_t index = 0;
    const char* end = key.data() + key.size();
    const bool number =
        !key.empty() && key.front() != '-' && std::from_chars(key.data(), end, index).ptr == end;
    found = item_of(heap, found, number ? Value(index) : heap.text(std::string(key)));
    if (dot == rest.npos) return found;
    rest.remove_prefix(dot + 1);
  }
}

Value slice_of(Heap& heap, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) throw Error("the chat template looks into a value that is not defined");
  if (!has_places(value) && !value.text()) return {};
  const std::vector<Value> items = items_of(heap, value);
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t stride = step.is_whole() ? step.whole() : 1;
  if (stride == 0) throw Error("the chat template takes a slice with a step of 0");
  const auto bound = [&](const Value& given, std::int64_t otherwise) {
    if (!given.is_whole()) return otherwise;
    const std::int64_t at = given.whole() < 0 ? given.whole() + size : given.whole();
    return std::clamp<std::int64_t>(at, stride < 0 ? -1 : 0, stride < 0 ? size - 1 : size);
  };
  const std::int64_t first = bound(start, stride < 0 ? size - 1 : 0),
                     end = bound(stop, stride < 0 ? -1 : size);
  std::vector<Value> list;
  Output text(heap);
  for (std::int64_t i = first; stride < 0 ? i > end : i < end; i += std::clamp(stride, -size, size)) {
    const Value& item = items[static_cast<std::size_t>(i)];
    if (value.text()) {
      text += *item.text();
    } else {
      list.push_back(item);
    }
  }
  if (value.text()) return heap.text(text.take());
  return std::make_shared<const Sequence>(heap, value.sequence()->kind, std::move(list));
}

}  // namespace qkscope::jinja
