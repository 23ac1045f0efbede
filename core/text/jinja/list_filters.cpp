// Jinja's filters that go through lists and dicts.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/base/error.h"
#include "core/text/jinja/filters.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

/// What sort, unique, min, max and groupby look at: an attribute where one is named, texts without regard to
/// case.
struct Key {
  const Value* attribute = nullptr;  // null: the item itself
  bool case_sensitive = false;
  const Value* otherwise = nullptr;  // for an attribute that is not there

  Value of(Heap& heap, const Value& item) const {
    Value key = attribute && !attribute->is_none() ? path_of(heap, item, *attribute) : item;
    if (key.is_undefined() && otherwise && !otherwise->is_none()) key = *otherwise;
    return key.text() && !case_sensitive ? heap.text(lower(*key.text())) : key;
  }
};

using Keyed = std::vector<std::pair<Value, Value>>;  // key, item

Keyed keyed(Heap& heap, const Value& value, const Key& key) {
  Keyed list;
  for (const Value& item : items_of(heap, value)) list.emplace_back(key.of(heap, item), item);
  return list;
}

void sort(Heap& heap, Keyed& list, bool reverse) {
  std::ranges::stable_sort(list, [&](const auto& a, const auto& b) {
    return reverse ? less(heap, "<", b.first, a.first) : less(heap, "<", a.first, b.first);
  });
}

Value items_of(Heap& heap, Keyed list) {
  std::vector<Value> items;
  for (auto& [key, item] : list) items.push_back(std::move(item));
  return heap.list(std::move(items));
}

/// Names apart by commas are several attributes to sort by.
Value sorted(Heap& heap, const Value& value, const Arguments& a) {
  const Value* attribute = a.find(2, "attribute");
  const bool case_sensitive = a.truth(1, "case_sensitive");
  if (!attribute || !attribute->text() || attribute->text()->find(',') == std::string::npos) {
    Keyed list = keyed(heap, value, {attribute, case_sensitive, nullptr});
    sort(heap, list, a.truth(0, "reverse"));
    return items_of(heap, std::move(list));
  }
  const std::string sign = ",";
  const Value names = split(heap, *attribute->text(), &sign, -1, false);
  Keyed list;
  for (const Value& item : items_of(heap, value)) {
    std::vector<Value> keys;
    for (const Value& name : names.sequence()->items)
      keys.push_back(Key{&name, case_sensitive, nullptr}.of(heap, item));
    list.emplace_back(heap.list(std::move(keys)), item);
  }
  sort(heap, list, a.truth(0, "reverse"));
  return items_of(heap, std::move(list));
}

Value sorted_dict(Heap& heap, const Value& value, const Arguments& a) {
  if (!value.dict())
    throw Error(std::string("the chat template sorts a value that is ") + type_name(value) + " as a dict");
  const Value place = a.text(heap, 1, "by", "key") == "value" ? 1 : 0;
  std::vector<Value> pairs;
  for (const auto& [key, item] : value.dict()->entries) pairs.push_back(heap.tuple({key, item}));
  Keyed list = keyed(heap, heap.list(std::move(pairs)), {&place, a.truth(0, "case_sensitive"), nullptr});
  sort(heap, list, a.truth(2, "reverse"));
  return items_of(heap, std::move(list));
}

Value grouped(Heap& heap, const Value& value, const Arguments& a) {
  const Value* attribute = a.find(0, "attribute");
  const Value* otherwise = a.find(1, "default");
  const bool case_sensitive = a.truth(2, "case_sensitive");
  Keyed list = keyed(heap, value, {attribute, case_sensitive, otherwise});
  sort(heap, list, false);
  std::vector<Value> groups;
  for (std::size_t begin = 0, end = 0; begin < list.size(); begin = end) {
    std::vector<Value> members;
    while (end < list.size() && equal(heap, list[end].first, list[begin].first))
      members.push_back(list[end++].second);
    const Value name = Key{attribute, true, otherwise}.of(heap, list[begin].second);
    groups.push_back(heap.tuple({name, heap.list(std::move(members))}));
  }
  return heap.list(std::move(groups));
}

Value unique(Heap& heap, const Value& value, const Arguments& a) {
  const Key key{a.find(1, "attribute"), a.truth(0, "case_sensitive"), nullptr};
  std::unordered_set<std::string> seen;
  std::vector<Value> out;
  Output held(heap);  // counts what `seen` holds
  for (const Value& item : items_of(heap, value)) {
    const std::string text = key_text(key.of(heap, item));
    if (!seen.insert(text).second) continue;
    held += text;
    out.push_back(item);
  }
  return heap.generator(std::move(out));
}

Value extreme(Heap& heap, const Value& value, const Arguments& a, bool largest) {
  const Key key{a.find(1, "attribute"), a.truth(0, "case_sensitive"), nullptr};
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : items_of(heap, value)) {
    Value rank = key.of(heap, item);
    const bool better =
        !best || (largest ? less(heap, ">", best->first, rank) : less(heap, "<", rank, best->first));
    if (better) best.emplace(std::move(rank), item);
  }
  return best ? best->second : Value();
}

Value sum(Heap& heap, const Value& value, const Arguments& a) {
  const Value* attribute = a.find(0, "attribute");
  const Value* start = a.find(1, "start");
  Value total = start ? *start : Value(0);
  for (const Value& item : items_of(heap, value))
    total =
        binary(heap, "+", total, attribute && !attribute->is_none() ? path_of(heap, item, *attribute) : item);
  return total;
}

Arguments rest_of(const Arguments& a, std::size_t count) {
  Arguments rest;
  if (a.by_position.size() > count)
    rest.by_position.assign(a.by_position.begin() + static_cast<std::ptrdiff_t>(count), a.by_position.end());
  rest.by_name = a.by_name;
  return rest;
}

/// select, reject, selectattr, rejectattr: the items, or those of an attribute, that pass a test.
Value selected(Heap& heap, const Value& value, const Arguments& a, bool by_attribute, bool wanted) {
  const std::size_t offset = by_attribute ? 1 : 0;
  if (a.by_position.size() < offset) throw Error("the chat template selects by an attribute without a name");
  const bool named = a.by_position.size() > offset;
  const std::string name = named ? to_text(heap, a.by_position[offset]) : "";
  const Arguments rest = rest_of(a, offset + 1);
  std::vector<Value> out;
  for (const Value& item : items_of(heap, value)) {
    const Value looked_at = by_attribute ? path_of(heap, item, a.by_position[0]) : item;
    if ((named ? test(heap, name, looked_at, rest) : is_true(looked_at)) == wanted) out.push_back(item);
  }
  return heap.generator(std::move(out));
}

Value mapped(Heap& heap, const Value& value, const Arguments& a) {
  const Value* attribute = a.by_position.empty() ? a.find(SIZE_MAX, "attribute") : nullptr;
  const Value* otherwise = a.find(SIZE_MAX, "default");
  if (!attribute && a.by_position.empty())
    throw Error("the chat template maps a list without naming a filter");
  const Arguments rest = rest_of(a, 1);
  std::vector<Value> out;
  for (const Value& item : items_of(heap, value)) {
    if (attribute) {
      Value found = path_of(heap, item, *attribute);
      out.push_back(found.is_undefined() && otherwise && !otherwise->is_none() ? *otherwise : found);
    } else {
      out.push_back(filter(heap, to_text(heap, a.by_position[0]), item, rest));
    }
  }
  return heap.generator(std::move(out));
}

Value batches(Heap& heap, const Value& value, const Arguments& a) {
  const std::int64_t size = a.whole(0, "linecount", 0);
  const Value* fill = a.find(1, "fill_with");
  std::vector<Value> all, line;
  for (const Value& item : items_of(heap, value)) {
    if (static_cast<std::int64_t>(line.size()) == size && !line.empty())
      all.push_back(heap.list(std::exchange(line, {})));
    line.push_back(item);
  }
  const std::int64_t missing = size - static_cast<std::int64_t>(line.size());
  if (!line.empty()) {
    Value last = heap.list(std::move(line));
    if (fill && !fill->is_none() && missing > 0)
      last = binary(heap, "+", last, binary(heap, "*", heap.list({*fill}), missing));
    all.push_back(last);
  }
  return heap.generator(std::move(all));
}

Value slices(Heap& heap, const Value& value, const Arguments& a) {
  const std::int64_t count = a.whole(0, "slices", 0);
  const Value* fill = a.find(1, "fill_with");
  const std::vector<Value> items = items_of(heap, value);
  if (count <= 0) throw Error("the chat template slices a list into no parts");
  const auto size = static_cast<std::int64_t>(items.size());
  std::vector<Value> all;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t more = i < size % count ? 1 : 0;
    const std::int64_t end = begin + size / count + more;
    std::vector<Value> part(items.begin() + begin, items.begin() + end);
    if (fill && !fill->is_none() && more == 0) part.push_back(*fill);
    all.push_back(heap.list(std::move(part)));
    begin = end;
  }
  return heap.generator(std::move(all));
}

Value reversed(Heap& heap, const Value& value, const Arguments&) {
  if (value.text()) return slice_of(heap, value, {}, {}, -1);
  std::vector<Value> items = items_of(heap, value);
  std::ranges::reverse(items);
  return heap.generator(std::move(items));
}

Value joined(Heap& heap, const Value& value, const Arguments& a) {
  const std::string sign = a.text(heap, 0, "d");
  const Value* attribute = a.find(1, "attribute");
  Output out(heap);
  for (bool first = true; const Value& item : items_of(heap, value)) {
    if (!std::exchange(first, false)) out += sign;
    out += to_text(heap, attribute && !attribute->is_none() ? path_of(heap, item, *attribute) : item);
  }
  return heap.text(out.take());
}

Value first(Heap& heap, const Value& value, const Arguments&) {
  if (const Sequence* list = value.sequence()) {  // of a generator, no more than one is taken
    if (list->at >= list->items.size()) return {};
    return list->items[list->kind == Sequence::Kind::Generator ? list->at++ : 0];
  }
  const std::vector<Value> items = items_of(heap, value);
  return items.empty() ? Value() : items.front();
}

Value last(Heap& heap, const Value& value, const Arguments&) {
  if (value.sequence() && value.sequence()->kind == Sequence::Kind::Generator)
    throw Error("the chat template asks for the last item of a generator");
  const std::vector<Value> items = items_of(heap, value);
  return items.empty() ? Value() : items.back();
}

Value pairs(Heap& heap, const Value& value, const Arguments&) {
  if (!value.dict() && !value.is_undefined())
    throw Error(std::string("the chat template asks for the items of a value that is ") + type_name(value));
  std::vector<Value> list;
  if (value.dict()) {
    for (const auto& [key, item] : value.dict()->entries) list.push_back(heap.tuple({key, item}));
  }
  return heap.generator(std::move(list));
}

using H = Heap;
using V = Value;
using A = Arguments;

}  // namespace

const Filters list_filters = {
    {"sum", sum},
    {"min", [](H& h, const V& v, const A& a) { return extreme(h, v, a, false); }},
    {"max", [](H& h, const V& v, const A& a) { return extreme(h, v, a, true); }},
    {"unique", unique},
    {"sort", sorted},
    {"dictsort", sorted_dict},
    {"groupby", grouped},
    {"length", [](H& h, const V& v, const A&) -> V { return length(h, v); }},
    {"count", [](H& h, const V& v, const A&) -> V { return length(h, v); }},
    {"list", [](H& h, const V& v, const A&) { return h.list(items_of(h, v)); }},
    {"items", pairs},
    {"first", first},
    {"last", last},
    {"reverse", reversed},
    {"join", joined},
    {"batch", batches},
    {"slice", slices},
    {"map", mapped},
    {"select", [](H& h, const V& v, const A& a) { return selected(h, v, a, false, true); }},
    {"reject", [](H& h, const V& v, const A& a) { return selected(h, v, a, false, false); }},
    {"selectattr", [](H& h, const V& v, const A& a) { return selected(h, v, a, true, true); }},
    {"rejectattr", [](H& h, const V& v, const A& a) { return selected(h, v, a, true, false); }},
    {"tojson", to_json},
};

}  // namespace qkscope::jinja
