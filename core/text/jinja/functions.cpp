#include "core/text/jinja/functions.h"

#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"

namespace qkscope::jinja {
namespace {

Value raise(Heap& heap, const Arguments& arguments) {
  const Value* message = arguments.find(0, "message");
  throw Error("the chat template says: " +
              (message ? valid_utf8(to_text(heap, *message)) : std::string("it cannot do this")));
}

Value lorem_ipsum(Heap&, const Arguments&) {
  throw Error("the chat template asks for random words, which are not supported");
}

/// In English, as Python has it: not in the language of the desktop.
Value now(Heap& heap, const Arguments& arguments) {
  const std::time_t time = std::time(nullptr);
  std::tm local{};
  localtime_r(&time, &local);
  const std::string format = arguments.text(heap, 0, "format");
  heap.charge(64 * format.size());
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::put_time(&local, format.c_str());
  heap.refund(64 * format.size());
  return heap.text(text.str());
}

Value range(Heap& heap, const Arguments& arguments) {
  std::vector<std::int64_t> numbers;
  for (const Value& value : arguments.by_position) {
    if (!value.is_whole()) throw Error("the chat template makes a range of something that is no number");
    numbers.push_back(value.whole());
  }
  if (numbers.empty() || numbers.size() > 3) throw Error("the chat template makes a range without an end");
  const std::int64_t start = numbers.size() > 1 ? numbers[0] : 0;
  const std::int64_t stop = numbers.size() > 1 ? numbers[1] : numbers[0];
  const std::int64_t stride = numbers.size() > 2 ? numbers[2] : 1;
  if (stride == 0) throw Error("the chat template makes a range with a step of 0");
  std::vector<Value> list;
  for (std::int64_t i = start; stride > 0 ? i < stop : i > stop;) {
    if (list.size() == 100000)  // jinja2.sandbox.MAX_RANGE
      throw Error("the chat template makes a range of more than 100000 numbers");
    list.push_back(i);
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  return std::make_shared<const Sequence>(heap, Sequence::Kind::Range, std::move(list));
}

/// What dict() and namespace() are given: a dict or a list of pairs, then names.
Dict::Entries entries_of(Heap& heap, const Arguments& arguments) {
  Dict::Entries entries;
  if (!arguments.by_position.empty()) {
    const Value& first = arguments.by_position.front();
    if (first.dict()) {
      entries = first.dict()->entries;
    } else {
      for (const Value& pair : items_of(heap, first)) {
        const std::vector<Value> parts = items_of(heap, pair);
        if (parts.size() != 2)
          throw Error("the chat template makes a dict of something that is no list of pairs");
        entries.emplace_back(parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.by_name) entries.emplace_back(heap.text(name), value);
  return entries;
}

class DictFunction : public Function {
 public:
  DictFunction()
      : Function("dict", [](Heap& heap, const Arguments& arguments) -> Value {
          return std::make_shared<const Dict>(heap, entries_of(heap, arguments));
        }) {}
  Value attribute(Heap&, std::string_view name) override {
    if (name != "fromkeys") return {};
    return std::make_shared<Function>("fromkeys", [](Heap& heap, const Arguments& arguments) -> Value {
      Dict::Entries entries;
      const Value* keys = arguments.find(0, "");
      const Value* value = arguments.find(1, "");
      for (const Value& key : items_of(heap, keys ? *keys : Value()))
        entries.emplace_back(key, value ? *value : Value(Value::None{}));
      return std::make_shared<const Dict>(heap, entries);
    });
  }
};

Value make_namespace(Heap& heap, const Arguments& arguments) {
  auto space = std::make_shared<Namespace>();
  for (const auto& [key, value] : entries_of(heap, arguments)) {
    if (!key.text()) throw Error("the chat template makes a namespace with a name that is no text");
    space->set(*key.text(), value);
  }
  heap.keep(space, sizeof(Namespace) + 64);
  return space;
}

class Cycler : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  const char* type() const override { return "cycler"; }
  bool is_callable() const override { return false; }
  Value attribute(Heap&, std::string_view name) override {
    if (name == "current") return items_[at_];
    if (name != "next" && name != "reset") return {};
    return std::make_shared<Function>(std::string(name),
                                      [this, steps = name == "next"](Heap&, const Arguments&) {
                                        const Value current = steps ? items_[at_] : Value(Value::None{});
                                        at_ = steps ? (at_ + 1) % items_.size() : 0;
                                        return current;
                                      });
  }

 private:
  std::vector<Value> items_;
  std::size_t at_ = 0;
};

Value cycler(Heap& heap, const Arguments& arguments) {
  if (arguments.by_position.empty()) throw Error("the chat template makes a cycler of nothing");
  auto made = std::make_shared<Cycler>(arguments.by_position);
  heap.keep(made, arguments.by_position.size() * sizeof(Value) + 64);  // its methods point to it
  return made;
}

Value joiner(Heap& heap, const Arguments& arguments) {
  return std::make_shared<Function>("joiner", [sign = heap.text(arguments.text(heap, 0, "sep", ", ")),
                                               used = false](Heap& h, const Arguments&) mutable {
    return std::exchange(used, true) ? sign : h.text("");
  });
}

}  // namespace

std::string Function::repr(Heap&) const {
  return "<function " + name_ + ">";
}

void Namespace::set(const std::string& name, Value value) {
  if (name.starts_with('_'))
    throw Error("the chat template sets " + in_quotes(name) +
                " in a namespace, where no name may begin with an underscore");
  values_[name] = std::move(value);
}

Value Namespace::attribute(Heap&, std::string_view name) {
  const auto found = values_.find(name);
  return found == values_.end() ? Value() : found->second;
}

Value global(std::string_view name) {
  static const std::map<std::string, Function::Call, std::less<>> functions = {
      {"range", range},           {"namespace", make_namespace}, {"cycler", cycler},     {"joiner", joiner},
      {"raise_exception", raise}, {"strftime_now", now},         {"lipsum", lorem_ipsum}};
  if (name == "dict") return std::make_shared<DictFunction>();
  const auto found = functions.find(name);
  if (found == functions.end()) return {};
  return std::make_shared<Function>(found->first, found->second);
}

}  // namespace qkscope::jinja
