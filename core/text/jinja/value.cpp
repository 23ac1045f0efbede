#include "core/text/jinja/value.h"

#include <bit>
#include <cmath>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"

namespace qkscope::jinja {
namespace {

constexpr int most_levels = 100;

int levels_over(const std::vector<Value>& items) {
  int levels = 0;
  for (const Value& item : items) levels = std::max(levels, item.levels());
  if (levels >= most_levels) throw Error("the chat template nests a value too deep");
  return levels + 1;
}

Value sequence(Heap& heap, Sequence::Kind kind, std::vector<Value> items) {
  return std::make_shared<const Sequence>(heap, kind, std::move(items));
}

// A node of places_, its key and the entry.
constexpr std::size_t entry_bytes = 2 * sizeof(Value) + 96;

}  // namespace

const std::string* Value::text() const {
  const Text* found = pointer<const Text>();
  return found ? &found->text : nullptr;
}

int Value::levels() const {
  return sequence() ? sequence()->levels : dict() ? dict()->levels : 0;
}

Heap::~Heap() {
  for (const auto& object : kept_) object->clear();
  kept_.clear();
  refund(kept_bytes_);
}

void Heap::keep(std::shared_ptr<Object> object, std::uint64_t bytes) {
  charge(bytes);
  kept_bytes_ += bytes;
  kept_.push_back(std::move(object));
}

Value Heap::text(std::string text) {
  step();
  return std::make_shared<const Text>(this, std::move(text));
}

Value Heap::list(std::vector<Value> items) {
  return sequence(*this, Sequence::Kind::List, std::move(items));
}
Value Heap::tuple(std::vector<Value> items) {
  return sequence(*this, Sequence::Kind::Tuple, std::move(items));
}
Value Heap::generator(std::vector<Value> items) {
  return sequence(*this, Sequence::Kind::Generator, std::move(items));
}

Value Heap::from_json(const nlohmann::ordered_json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return text(json.get<std::string>());
  if (json.is_array()) {
    std::vector<Value> items;
    for (const auto& item : json) items.push_back(from_json(item));
    return list(std::move(items));
  }
  if (json.is_object()) {
    Dict::Entries entries;
    for (const auto& [key, item] : json.items()) entries.emplace_back(text(key), from_json(item));
    return std::make_shared<const Dict>(*this, entries);
  }
  return Value::None{};
}

Sequence::Sequence(Heap& heap, Kind k, std::vector<Value> list)
    : Charged(&heap, list.capacity() * sizeof(Value) + sizeof(Sequence)),
      kind(k),
      items(std::move(list)),
      levels(levels_over(items)) {
  heap.step(1 + items.size() / 8);
}

Dict::Dict(Heap& heap, const Entries& list) : Charged(&heap, list.size() * entry_bytes + sizeof(Dict)) {
  for (const auto& [key, value] : list) {
    heap.step();
    const auto [place, is_new] = places_.emplace(key_text(key), entries.size());
    if (is_new) {
      entries.emplace_back(key, value);
    } else {
      entries[place->second].second = value;
    }
    levels = std::max(levels, value.levels() + 1);
  }
  if (levels > most_levels) throw Error("the chat template nests a value too deep");
}

const Value* Dict::find(const Value& key) const {
  const auto found = places_.find(key_text(key));
  return found == places_.end() ? nullptr : &entries[found->second].second;
}

std::string Object::repr(Heap&) const {
  return std::string("<") + type() + ">";
}

void Output::repeat(std::string_view more, std::int64_t count) {
  if (count <= 0 || more.empty()) return;
  const auto times = static_cast<std::uint64_t>(count);
  if (times > (std::uint64_t{1} << 40) / more.size())
    throw Error("the chat template makes a text that grows without end");
  heap_.charge(2 * times * more.size());
  charged_ += 2 * times * more.size();
  text_.reserve(text_.size() + times * more.size());
  for (std::uint64_t i = 0; i < times; ++i) {
    text_ += more;
    heap_.step();
  }
}

const char* type_name(const Value& value) {
  if (value.is_undefined()) return "undefined";
  if (value.is_none()) return "none";
  if (value.truth()) return "boolean";
  if (value.is_number()) return "number";
  if (value.text()) return "string";
  if (value.dict()) return "dict";
  if (value.object()) return value.object()->type();
  switch (value.sequence()->kind) {
    case Sequence::Kind::List:
      return "list";
    case Sequence::Kind::Tuple:
      return "tuple";
    case Sequence::Kind::Range:
      return "range";
    case Sequence::Kind::View:
      return "view of a dict";
    case Sequence::Kind::Generator:
      return "generator";
  }
  return "";
}

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_number()) return value.number() != 0;
  if (value.text()) return !value.text()->empty();
  if (value.dict()) return !value.dict()->entries.empty();
  if (const Sequence* list = value.sequence())
    return list->kind == Sequence::Kind::Generator || !list->items.empty();
  return true;
}

std::size_t length(Heap& heap, const Value& value) {
  if (value.text()) {
    std::size_t count = 0;
    for (std::string_view rest = *value.text(); !rest.empty(); ++count)
      rest.remove_prefix(std::max<std::size_t>(1, character_length(rest)));
    heap.step(1 + count / 16);
    return count;
  }
  if (value.dict()) return value.dict()->entries.size();
  if (value.sequence() && value.sequence()->kind != Sequence::Kind::Generator)
    return value.sequence()->items.size();
  if (value.is_undefined()) return 0;
  throw Error(std::string("the chat template asks for the length of a value that is ") + type_name(value));
}

std::vector<Value> items_of(Heap& heap, const Value& value) {
  std::vector<Value> items;
  if (const Sequence* list = value.sequence()) {
    heap.step(1 + list->items.size() / 8);
    items.assign(list->items.begin() + static_cast<std::ptrdiff_t>(list->at), list->items.end());
    if (list->kind == Sequence::Kind::Generator) list->at = list->items.size();
  } else if (value.dict()) {
    for (const auto& [key, item] : value.dict()->entries) items.push_back(key);
    heap.step(1 + items.size() / 8);
  } else if (value.text()) {
    for (std::string_view rest = *value.text(); !rest.empty();) {
      const std::size_t size = std::max<std::size_t>(1, character_length(rest));
      items.push_back(heap.text(std::string(rest.substr(0, size))));
      rest.remove_prefix(size);
    }
  } else if (!value.is_undefined()) {
    throw Error(std::string("the chat template goes through a value that is ") + type_name(value) +
                ", which has no items");
  }
  return items;
}

bool equal(Heap& heap, const Value& left, const Value& right) {
  heap.step();
  if (left.is_number() && right.is_number())
    return left.is_whole() && right.is_whole() ? left.whole() == right.whole()
                                               : left.number() == right.number();
  if (left.text() && right.text()) return *left.text() == *right.text();
  if (left.is_same(right)) return true;
  if (left.sequence() && right.sequence()) {
    const Sequence &a = *left.sequence(), &b = *right.sequence();
    if (a.kind != b.kind || a.kind == Sequence::Kind::Generator || a.items.size() != b.items.size())
      return false;
    for (std::size_t i = 0; i < a.items.size(); ++i) {
      if (!equal(heap, a.items[i], b.items[i])) return false;
    }
    return true;
  }
  if (left.dict() && right.dict()) {
    if (left.dict()->entries.size() != right.dict()->entries.size()) return false;
    for (const auto& [key, item] : left.dict()->entries) {
      const Value* other = right.dict()->find(key);
      if (!other || !equal(heap, item, *other)) return false;
    }
    return true;
  }
  return false;
}

bool less(Heap& heap, std::string_view sign, const Value& left, const Value& right) {
  heap.step();
  if (left.is_number() && right.is_number())
    return left.is_whole() && right.is_whole() ? left.whole() < right.whole()
                                               : left.number() < right.number();
  if (left.text() && right.text()) return *left.text() < *right.text();
  const Sequence *a = left.sequence(), *b = right.sequence();
  if (a && b && a->kind == b->kind && (a->kind == Sequence::Kind::List || a->kind == Sequence::Kind::Tuple)) {
    for (std::size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i) {
      if (!equal(heap, a->items[i], b->items[i])) return less(heap, sign, a->items[i], b->items[i]);
    }
    return a->items.size() < b->items.size();
  }
  throw Error("the chat template applies '" + std::string(sign) + "' to a value that is " + type_name(left) +
              " and one that is " + type_name(right));
}

std::string key_text(const Value& value) {
  if (value.text()) return "t" + *value.text();
  if (value.is_none()) return "n";
  if (value.is_number()) {
    const double number = value.number();
    if (value.is_whole() || (std::abs(number) < 9e18 && std::trunc(number) == number))
      return "i" + std::to_string(value.is_whole() ? value.whole() : static_cast<std::int64_t>(number));
    return "r" + std::to_string(std::bit_cast<std::uint64_t>(number));
  }
  throw Error(std::string("the chat template uses a value that is ") + type_name(value) +
              " as a key, expected a text, a number or none");
}

}  // namespace qkscope::jinja
