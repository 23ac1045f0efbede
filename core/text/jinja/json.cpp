// The filter tojson, which is Python's json.dumps.
#include <algorithm>

#include "core/base/error.h"
#include "core/text/jinja/filters.h"

namespace qkscope::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Heap& heap, const Arguments& arguments) : heap_(heap), out_(heap) {
    if (const Value* indent = arguments.find(1, "indent"); indent && !indent->is_none()) {
      breaks_ = true;
      comma_ = ",";
      if (indent->is_whole())
        indent_ =
            std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(indent->whole(), 0, 64)), ' ');
      if (indent->text()) indent_ = *indent->text();
    }
    if (const Value* signs = arguments.find(2, "separators"); signs && !signs->is_none()) {
      const std::vector<Value> both = items_of(heap, *signs);
      if (both.size() != 2) throw Error("the chat template gives tojson separators that are not two texts");
      comma_ = to_text(heap, both[0]);
      colon_ = to_text(heap, both[1]);
    }
    ascii_ = arguments.truth(0, "ensure_ascii");
    sorted_ = arguments.truth(3, "sort_keys");
  }

  std::string run(const Value& value) {
    write(value, 0);
    return out_.take();
  }

 private:
  void line(int level) {
    if (!breaks_) return;
    out_ += "\n";
    out_.repeat(indent_, level);
  }

  void string(const std::string& text) {
    out_ += nlohmann::json(text).dump(-1, ' ', ascii_, nlohmann::json::error_handler_t::replace);
  }

  void key(const Value& key) {
    if (key.text()) {
      string(*key.text());
    } else {
      out_ += "\"";
      write(key, 0);
      out_ += "\"";
    }
    out_ += colon_;
  }

  void list(const std::vector<Value>& items, int level) {
    out_ += "[";
    for (bool first = true; const Value& item : items) {
      if (!std::exchange(first, false)) out_ += comma_;
      line(level + 1);
      write(item, level + 1);
    }
    if (!items.empty()) line(level);
    out_ += "]";
  }

  void dict(Dict::Entries entries, int level) {
    if (sorted_) {
      std::ranges::stable_sort(
          entries, [&](const auto& a, const auto& b) { return less(heap_, "<", a.first, b.first); });
    }
    out_ += "{";
    for (bool first = true; const auto& [name, item] : entries) {
      if (!std::exchange(first, false)) out_ += comma_;
      line(level + 1);
      key(name);
      write(item, level + 1);
    }
    if (!entries.empty()) line(level);
    out_ += "}";
  }

  void write(const Value& value, int level) {
    heap_.step();
    if (value.is_none()) {
      out_ += "null";
    } else if (value.truth()) {
      out_ += *value.truth() ? "true" : "false";
    } else if (value.is_number()) {
      const std::string text = to_text(heap_, value);
      out_ += text == "nan" ? "NaN" : text == "inf" ? "Infinity" : text == "-inf" ? "-Infinity" : text;
    } else if (value.text()) {
      string(*value.text());
    } else if (value.dict()) {
      dict(value.dict()->entries, level);
    } else if (value.sequence() && (value.sequence()->kind == Sequence::Kind::List ||
                                    value.sequence()->kind == Sequence::Kind::Tuple)) {
      list(value.sequence()->items, level);
    } else {
      throw Error(std::string("the chat template writes a value that is ") + type_name(value) +
                  " as JSON, which has no form for it");
    }
  }

  Heap& heap_;
  Output out_;
  std::string comma_ = ", ", colon_ = ": ", indent_;
  bool breaks_ = false, ascii_ = false, sorted_ = false;
};

}  // namespace

Value to_json(Heap& heap, const Value& value, const Arguments& arguments) {
  return heap.text(JsonWriter(heap, arguments).run(value));
}

}  // namespace qkscope::jinja
