#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/budget.h"

namespace qkscope::jinja {

class Heap;
class Object;
struct Text;
struct Sequence;
struct Dict;

/// What an expression is worth, as Python has it. What a template sees never changes (transformers renders in
/// Jinja's immutable sandbox), so that texts, lists and dicts are shared: a copy costs nothing, whatever its
/// size.
class Value {
 public:
  struct None {
    bool operator==(const None&) const = default;
  };

  Value() = default;  // undefined
  Value(None none) : data_(none) {}
  Value(std::same_as<bool> auto truth) : data_(truth) {}
  Value(int number) : data_(std::int64_t{number}) {}
  Value(std::int64_t number) : data_(number) {}
  Value(std::size_t number) : data_(static_cast<std::int64_t>(number)) {}
  Value(double number) : data_(number) {}
  Value(std::shared_ptr<const Text> text) : data_(std::move(text)) {}
  Value(std::shared_ptr<const Sequence> sequence) : data_(std::move(sequence)) {}
  Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  template <std::derived_from<Object> T>
  Value(std::shared_ptr<T> object) : data_(std::shared_ptr<Object>(std::move(object))) {}

  bool is_undefined() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  const bool* truth() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* text() const;
  const Sequence* sequence() const { return pointer<const Sequence>(); }
  const Dict* dict() const { return pointer<const Dict>(); }
  Object* object() const { return pointer<Object>(); }

  /// A number in Python's sense: True is 1.
  bool is_number() const { return real() || is_whole(); }
  bool is_whole() const { return integer() || truth(); }
  std::int64_t whole() const { return truth() ? *truth() : *integer(); }
  double number() const { return real() ? *real() : static_cast<double>(whole()); }

  /// The very same value, as Python's `is`.
  bool is_same(const Value& other) const { return data_ == other.data_; }
  /// Levels of lists and dicts in one another.
  int levels() const;

 private:
  template <typename T>
  T* pointer() const {
    const auto* found = std::get_if<std::shared_ptr<T>>(&data_);
    return found ? found->get() : nullptr;
  }

  std::variant<std::monostate, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data_;
};

/// What one rendering holds, charged to its budget for as long as it is held.
class Heap {
 public:
  explicit Heap(Budget& budget) : budget_(budget) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap();

  void charge(std::uint64_t bytes) { budget_.charge(bytes); }
  void refund(std::uint64_t bytes) { budget_.refund(bytes); }
  void step(std::uint64_t count = 1) { budget_.step(count); }

  Value text(std::string text);
  Value list(std::vector<Value> items);
  Value tuple(std::vector<Value> items);
  /// What Python would hand out item by item, once.
  Value generator(std::vector<Value> items);
  /// `json` as Python's json would read it.
  Value from_json(const nlohmann::ordered_json& json);

  /// Something of about `bytes` whose parts may lead back to it: cleared at the end.
  void keep(std::shared_ptr<Object> object, std::uint64_t bytes);

 private:
  Budget& budget_;
  std::vector<std::shared_ptr<Object>> kept_;
  std::uint64_t kept_bytes_ = 0;
};

/// Memory that is charged for as long as it lives. `heap` null: part of a template, charged to its reader.
class Charged {
 public:
  Charged(const Charged&) = delete;
  Charged& operator=(const Charged&) = delete;

 protected:
  Charged(Heap* heap, std::uint64_t bytes) : heap_(heap), bytes_(bytes) {
    if (heap_) heap_->charge(bytes_);
  }
  ~Charged() {
    if (heap_) heap_->refund(bytes_);
  }

 private:
  Heap* heap_;
  std::uint64_t bytes_;
};

struct Text : Charged {
  Text(Heap* heap, std::string&& words)
      : Charged(heap, words.capacity() + sizeof(Text) + 96), text(std::move(words)) {}
  std::string text;
};

struct Sequence : Charged {
  enum class Kind {
    List,
    Tuple,
    Range,
    View,      // keys(), values(), items() of a dict
    Generator  // gone through once; true even where empty; without a length
  };
  /// Throws Error where lists would be nested too deep.
  Sequence(Heap& heap, Kind kind, std::vector<Value> items);

  Kind kind;
  std::vector<Value> items;
  int levels = 1;
  mutable std::size_t at = 0;  // where a generator stands
};

struct Dict : Charged {
  using Entries = std::vector<std::pair<Value, Value>>;
  /// A later entry replaces an earlier one of the same key, in its place. Throws Error for a key that is no
  /// text, number, truth value or None.
  Dict(Heap& heap, const Entries& entries);

  /// Null where there is none.
  const Value* find(const Value& key) const;

  Entries entries;
  int levels = 1;

 private:
  std::unordered_map<std::string, std::size_t> places_;
};

/// What is more than a plain value: functions, macros, loops, namespaces.
class Object {
 public:
  virtual ~Object() = default;
  virtual const char* type() const = 0;
  virtual std::string repr(Heap& heap) const;
  virtual bool is_callable() const { return true; }
  /// Undefined where there is none of this name.
  virtual Value attribute(Heap&, std::string_view) { return {}; }
  /// Lets go of what may lead back here.
  virtual void clear() {}
};

/// A text that grows, charged as it does.
class Output {
 public:
  explicit Output(Heap& heap) : heap_(heap) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { heap_.refund(charged_); }

  Output& operator+=(std::string_view more) {
    heap_.charge(2 * more.size());  // a string that grows doubles
    charged_ += 2 * more.size();
    heap_.step();
    text_ += more;
    return *this;
  }
  /// `count` times the same.
  void repeat(std::string_view more, std::int64_t count);
  bool empty() const { return text_.empty(); }
  std::string take() { return std::move(text_); }

 private:
  Heap& heap_;
  std::string text_;
  std::uint64_t charged_ = 0;
};

/// bool(), str(), repr(), len(), ==, <. length() and less() throw Error for what has none.
bool is_true(const Value& value);
std::string to_text(Heap& heap, const Value& value);
std::string to_repr(Heap& heap, const Value& value);
std::size_t length(Heap& heap, const Value& value);
bool equal(Heap& heap, const Value& left, const Value& right);
bool less(Heap& heap, std::string_view sign, const Value& left, const Value& right);
/// A text that is the same for two keys of a dict exactly where Python finds them equal. Throws Error for
/// what cannot be one.
std::string key_text(const Value& value);

/// What a loop, `in` or `list` goes through: items, keys, characters. Throws Error for what has none.
std::vector<Value> items_of(Heap& heap, const Value& value);
/// "string", "undefined", ...: for an error message.
const char* type_name(const Value& value);

}  // namespace qkscope::jinja
