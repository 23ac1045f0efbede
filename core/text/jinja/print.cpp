// str() and repr().
#include <unicode/uchar.h>

#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/base/error.h"
#include "core/text/jinja/text.h"

namespace qkscope::jinja {
namespace {

/// str.isprintable of one character.
bool is_printable(UChar32 code) {
  return code == ' ' || ((U_GET_GC_MASK(code) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0 && code >= 0);
}

std::string escape(UChar32 code) {
  char text[16];
  std::snprintf(text, sizeof text,
                code > 0xFFFF ? "\\U%08x"
                : code > 0xFF ? "\\u%04x"
                              : "\\x%02x",
                static_cast<unsigned>(code));
  return text;
}

void write(Heap& heap, const Value& value, Output& out) {
  heap.step();
  if (const std::string* text = value.text()) {
    out += text_repr(*text);
  } else if (const Sequence* list = value.sequence()) {
    using Kind = Sequence::Kind;
    if (list->kind == Kind::Generator) {
      out += "<generator object>";
      return;
    }
    if (list->kind == Kind::View) out += "dict_view(";
    const bool tuple = list->kind == Kind::Tuple;
    out += tuple ? "(" : "[";
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      if (i > 0) out += ", ";
      write(heap, list->items[i], out);
    }
    if (tuple && list->items.size() == 1) out += ",";
    out += tuple ? ")" : "]";
    if (list->kind == Kind::View) out += ")";
  } else if (const Dict* dict = value.dict()) {
    out += "{";
    bool first = true;
    for (const auto& [key, item] : dict->entries) {
      if (!std::exchange(first, false)) out += ", ";
      write(heap, key, out);
      out += ": ";
      write(heap, item, out);
    }
    out += "}";
  } else if (value.object()) {
    out += value.object()->repr(heap);
  } else if (value.is_undefined()) {
    out += "Undefined";
  } else {
    out += to_text(heap, value);
  }
}

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value,
                                         plain ? std::chars_format::fixed : std::chars_format::scientific)
                               .ptr);
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

std::string text_repr(std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::string_view rest = text; !rest.empty();) {
    const Character next = first_character(rest);
    rest.remove_prefix(next.bytes.size());
    constexpr std::string_view letters = "ntr", controls = "\n\t\r";
    if (const std::size_t known = controls.find(next.bytes.front()); known != controls.npos) {
      out += {'\\', letters[known]};
    } else if (next.code == quote || next.code == '\\') {
      out += {'\\', next.bytes.front()};
    } else {
      out += is_printable(next.code) ? std::string(next.bytes) : escape(next.code);
    }
  }
  return out + quote;
}

std::string to_repr(Heap& heap, const Value& value) {
  Output out(heap);
  write(heap, value, out);
  return out.take();
}

std::string to_text(Heap& heap, const Value& value) {
  if (value.text()) return *value.text();
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (value.truth()) return *value.truth() ? "True" : "False";
  if (value.real()) return real_text(*value.real());
  if (value.integer()) return std::to_string(*value.integer());
  if (const Sequence* list = value.sequence(); list && list->kind == Sequence::Kind::Range) {
    const auto& items = list->items;  // as range() writes itself, but for an empty or a strided one
    const std::int64_t first = items.empty() ? 0 : items.front().whole();
    const std::int64_t stride = items.size() > 1 ? items[1].whole() - first : 1;
    const std::int64_t end = items.empty() ? 0 : items.back().whole() + stride;
    return "range(" + std::to_string(first) + ", " + std::to_string(end) +
           (stride == 1 ? ")" : ", " + std::to_string(stride) + ")");
  }
  return to_repr(heap, value);
}

}  // namespace qkscope::jinja
