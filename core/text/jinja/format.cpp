// Python's two ways to format: "%s" % values, and "{}".format(values).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/jinja/operators.h"
#include "core/text/jinja/text.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope::jinja {
namespace {

/// How one value is written; both ways of formatting come to this.
struct Style {
  std::string fill = " ";
  char align = 0;  // < > ^ =, 0: the type's own
  char sign = '-';
  bool alternate = false;
  std::int64_t width = 0, precision = -1;
  char grouping = 0;
  char type = 0;
};

constexpr std::int64_t most_digits = 1000;

[[noreturn]] void refuse(std::string_view problem) {
  throw Error("the chat template formats " + std::string(problem));
}

[[noreturn]] void refuse_value(const Value& value, const Style& style) {
  refuse(std::string("a value that is ") + type_name(value) + " as " + in_quotes(std::string(1, style.type)));
}

std::string in_base(std::uint64_t number, unsigned base, bool capitals) {
  char buffer[72];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, number, static_cast<int>(base)).ptr);
  return capitals ? upper(text) : text;
}

std::string grouped(std::string digits, const Style& style) {
  if (style.grouping == 0) return digits;
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  const std::size_t size = style.type == 'x' || style.type == 'X' || style.type == 'b' ? 4 : 3;
  for (std::size_t at = whole; at > size; at -= size) digits.insert(at - size, 1, style.grouping);
  return digits;
}

/// Sign and digits apart, so that zeros may stand between them.
struct Number {
  std::string sign, digits;
};

std::string sign_of(bool negative, const Style& style) {
  return negative ? "-" : style.sign == '-' ? "" : std::string(1, style.sign);
}

Number whole_number(std::int64_t number, const Style& style) {
  const std::uint64_t size =
      number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  const char type = style.type;
  const unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  Number result{sign_of(number < 0, style), grouped(in_base(size, base, type == 'X'), style)};
  const std::int64_t missing =
      std::min(style.precision, most_digits) - static_cast<std::int64_t>(result.digits.size());
  if (missing > 0) result.digits.insert(0, static_cast<std::size_t>(missing), '0');
  if (style.alternate && base != 10) result.sign += {'0', type};
  return result;
}

Number real_number(double number, const Style& style) {
  const bool percents = style.type == '%', general = style.type == 0 || style.type == 'n';
  Number result{sign_of(std::signbit(number) && !std::isnan(number), style), {}};
  const double size = std::abs(percents ? number * 100 : number);
  if (style.type == 0 && style.precision < 0) {
    result.digits = grouped(real_text(size), style);
    return result;
  }
  if (style.precision > most_digits) refuse("a number with too many digits");
  const char pattern[] = {'%',
                          style.alternate ? '#' : '.',
                          style.alternate ? '.' : '*',
                          style.alternate ? '*'
                                          : (percents  ? 'f'
                                             : general ? 'g'
                                                       : style.type),
                          style.alternate ? (percents  ? 'f'
                                             : general ? 'g'
                                                       : style.type)
                                          : '\0',
                          '\0'};
  const int precision = style.precision < 0 ? 6 : static_cast<int>(style.precision);
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, pattern, precision, size)), ' ');
  std::snprintf(text.data(), text.size() + 1, pattern, precision, size);
  if (style.type == 0 && text.find_first_of(".en") == text.npos) text += ".0";
  result.digits = grouped(std::move(text), style) + (percents ? "%" : "");
  return result;
}

void pad(Heap& heap, const Number& number, const Style& style, char own_align, Output& out) {
  const std::string& digits = number.digits;
  const auto size = static_cast<std::int64_t>(length(heap, heap.text(number.sign + digits)));
  const std::int64_t missing = std::max<std::int64_t>(0, style.width - size);
  const char align = style.align ? style.align : own_align;
  const std::int64_t before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  out.repeat(style.fill, before);
  out += number.sign;
  if (align == '=') out.repeat(style.fill, missing);
  out += digits;
  if (align != '=') out.repeat(style.fill, missing - before);
}

bool is_one_of(char c, std::string_view set) {
  return c != 0 && set.find(c) != set.npos;
}

/// A number in the way its type asks for.
Number number_of(const Value& value, const Style& style) {
  if (is_one_of(style.type, "eEfFgG%") || (value.real() && !is_one_of(style.type, "dixXobc")))
    return real_number(value.number(), style);
  if (value.is_whole()) return whole_number(value.whole(), style);
  refuse_value(value, style);
}

std::string cut(const std::string& text, std::int64_t precision) {
  return precision < 0 ? text : text.substr(0, bytes_of(text, precision));
}

// ------------------------------------------------------------------------------------------------- percent

/// Reads a number at the front of `rest`; `otherwise` where there is none.
std::int64_t take_number(std::string_view& rest, std::int64_t otherwise) {
  std::int64_t number = otherwise;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error == std::errc::result_out_of_range) refuse("a text with a width that is too large");
  if (error == std::errc()) rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return number;
}

char take_front(std::string_view& rest) {
  if (rest.empty()) refuse("a text with an incomplete placeholder");
  const char front = rest.front();
  rest.remove_prefix(1);
  return front;
}

class Percent {
 public:
  Percent(Heap& heap, const Value& values) : heap_(heap), values_(values) {
    const bool several = values.sequence() && values.sequence()->kind == Sequence::Kind::Tuple;
    given_ = several ? values.sequence()->items : std::vector<Value>(1, values);
  }

  std::string run(std::string_view format) {
    Output out(heap_);
    while (true) {
      const std::size_t at = std::min(format.find('%'), format.size());
      out += format.substr(0, at);
      if (at == format.size()) break;
      format.remove_prefix(at + 1);
      placeholder(format, out);
    }
    if (next_ < given_.size() && !values_.dict() && !values_.sequence() && next_ == 0)
      refuse("a text that has no place for its value");
    if (next_ < given_.size() && values_.sequence() && values_.sequence()->kind == Sequence::Kind::Tuple)
      refuse("a text that has too few places for its values");
    return out.take();
  }

 private:
  const Value& next() {
    if (next_ >= given_.size()) refuse("a text that has more places than values");
    return given_[next_++];
  }

  std::int64_t number(std::string_view& rest, std::int64_t otherwise) {
    if (!rest.starts_with('*')) return take_number(rest, otherwise);
    rest.remove_prefix(1);
    const Value& width = next();
    if (!width.is_whole()) refuse("a text with a width that is no number");
    return width.whole();
  }

  void placeholder(std::string_view& rest, Output& out) {
    Style style;
    style.align = '>';
    const Value* named = nullptr;
    if (rest.starts_with('(')) {
      const std::size_t end = rest.find(')');
      if (end == rest.npos || !values_.dict()) refuse("a text with a named place without a dict");
      named = values_.dict()->find(heap_.text(std::string(rest.substr(1, end - 1))));
      if (!named)
        refuse("a text with the place " + in_quotes(rest.substr(1, end - 1)) + ", which has no value");
      rest.remove_prefix(end + 1);
    }
    bool zeros = false;
    while (!rest.empty() && is_one_of(rest.front(), "#0- +")) {
      const char flag = take_front(rest);
      if (flag == '#') style.alternate = true;
      if (flag == '0') zeros = true;
      if (flag == '-') style.align = '<';
      if (flag == '+' || (flag == ' ' && style.sign != '+')) style.sign = flag;
    }
    style.width = number(rest, 0);
    if (style.width < 0) {
      style.align = '<';
      style.width = -style.width;
    }
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      style.precision = std::max<std::int64_t>(0, number(rest, 0));
    }
    while (!rest.empty() && is_one_of(rest.front(), "hlL")) rest.remove_prefix(1);
    style.type = take_front(rest);
    if (style.type == '%') {
      out += "%";
      return;
    }
    const Value& value = named ? *named : next();
    if (is_one_of(style.type, "sra")) {
      const std::string text = style.type == 's' ? to_text(heap_, value) : to_repr(heap_, value);
      pad(heap_, {{}, cut(text, style.precision)}, style, '>', out);
    } else if (style.type == 'c' && value.text() && length(heap_, value) == 1) {
      pad(heap_, {{}, *value.text()}, style, '>', out);
    } else if (style.type == 'c' && value.is_whole() && value.whole() >= 0 && value.whole() <= 0x10FFFF &&
               !U_IS_SURROGATE(value.whole())) {
      std::string character;
      append_character(character, static_cast<UChar32>(value.whole()));
      pad(heap_, {{}, character}, style, '>', out);
    } else if (is_one_of(style.type, "diuxXoeEfFgG") && value.is_number()) {
      if (is_one_of(style.type, "iu")) style.type = 'd';
      const bool rounds = style.type == 'd' && value.real();
      if (rounds && !(std::abs(*value.real()) < 9e18)) refuse_value(value, style);
      if (zeros && style.align == '>') {
        style.fill = "0";
        style.align = '=';
      }
      pad(heap_, number_of(rounds ? Value(static_cast<std::int64_t>(*value.real())) : value, style), style,
          '>', out);
    } else {
      refuse_value(value, style);
    }
  }

  Heap& heap_;
  const Value& values_;
  std::vector<Value> given_;
  std::size_t next_ = 0;
};

// -------------------------------------------------------------------------------------------------- format

Style style_of(std::string_view rest) {
  Style style;
  if (!rest.empty()) {
    const std::string_view first = first_character(rest).bytes;
    if (rest.size() > first.size() && is_one_of(rest[first.size()], "<>^=")) {
      style.fill = first;
      rest.remove_prefix(first.size());
      style.align = take_front(rest);
    } else if (is_one_of(rest.front(), "<>^=")) {
      style.align = take_front(rest);
    }
  }
  if (!rest.empty() && is_one_of(rest.front(), "+- ")) style.sign = take_front(rest);
  if (rest.starts_with('#')) style.alternate = take_front(rest) == '#';
  if (rest.starts_with('0') && !style.align) {
    style.fill = "0";
    style.align = '=';
  }
  style.width = take_number(rest, 0);
  if (!rest.empty() && is_one_of(rest.front(), ",_")) style.grouping = take_front(rest);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    style.precision = take_number(rest, -1);
    if (style.precision < 0) refuse("a value without the precision it begins to give");
  }
  if (!rest.empty()) style.type = take_front(rest);
  if (!rest.empty()) refuse("a value in a way that is not known");
  return style;
}

class Formatter {
 public:
  Formatter(Heap& heap, const Arguments& arguments) : heap_(heap), arguments_(arguments) {}

  void run(std::string_view format, Output& out, int level = 0) {
    if (level > 1) refuse("a text with places nested too deep");
    while (!format.empty()) {
      const std::size_t at = std::min(format.find_first_of("{}"), format.size());
      out += format.substr(0, at);
      format.remove_prefix(at);
      if (format.empty()) return;
      if (format.starts_with("{{") || format.starts_with("}}")) {
        out += format.substr(0, 1);
        format.remove_prefix(2);
        continue;
      }
      if (format.front() == '}') refuse("a text with a bracket that nothing opens");
      std::size_t end = 1;
      for (int depth = 1; end < format.size(); ++end) {
        if (format[end] == '{') ++depth;
        if (format[end] == '}' && --depth == 0) break;
      }
      if (end >= format.size()) refuse("a text with a bracket that nothing closes");
      place(format.substr(1, end - 1), out, level);
      format.remove_prefix(end + 1);
    }
  }

 private:
  void place(std::string_view field, Output& out, int level) {
    const std::size_t colon = std::min(field.find(':'), field.size());
    std::string_view name = field.substr(0, colon);
    Output spec(heap_);
    if (colon < field.size()) run(field.substr(colon + 1), spec, level + 1);
    char conversion = 0;
    if (name.size() >= 2 && name[name.size() - 2] == '!') {
      conversion = name.back();
      name.remove_suffix(2);
    }
    Value value = find(name);
    if (conversion == 's') value = heap_.text(to_text(heap_, value));
    if (conversion == 'r' || conversion == 'a') value = heap_.text(to_repr(heap_, value));
    write(value, spec.take(), out);
  }

  /// "", "0", "name", each with .attribute and [key] behind it.
  Value find(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    std::string_view name = path.substr(0, end);
    std::int64_t index = take_number(name, -1);
    if (path.substr(0, end).empty()) index = next_++;
    const Value* found =
        index < 0 ? arguments_.find(SIZE_MAX, name) : arguments_.find(static_cast<std::size_t>(index), {});
    if (!found || (index >= 0 && !name.empty()))
      refuse("a text with the place " + in_quotes(path) + ", which has no value");
    Value value = *found;
    for (path.remove_prefix(end); !path.empty();) {
      const bool attribute = path.front() == '.';
      const std::size_t stop =
          attribute ? std::min(path.find_first_of(".[", 1), path.size()) : path.find(']');
      if (stop == path.npos) refuse("a text with a bracket that nothing closes");
      const std::string_view key = path.substr(1, stop - 1);
      std::string_view rest = key;
      const std::int64_t number = take_number(rest, 0);
      value = attribute
                  ? attribute_of(heap_, value, heap_.text(std::string(key)))
                  : item_of(heap_, value,
                            rest.empty() && !key.empty() ? Value(number) : heap_.text(std::string(key)));
      path.remove_prefix(stop + (attribute ? 0 : 1));
    }
    return value;
  }

  void write(const Value& value, const std::string& spec, Output& out) {
    if (spec.empty()) {
      out += to_text(heap_, value);
      return;
    }
    Style style = style_of(spec);
    if (value.text() && (style.type == 0 || style.type == 's') && style.align != '=') {
      pad(heap_, {{}, cut(*value.text(), style.precision)}, style, '<', out);
    } else if (value.is_number() && is_one_of(style.type ? style.type : 'd', "bcdoxXneEfFgG%")) {
      if (value.truth() && style.type == 0) style.type = 'd';
      pad(heap_, number_of(value, style), style, '>', out);
    } else {
      refuse_value(value, style);
    }
  }

  Heap& heap_;
  const Arguments& arguments_;
  std::int64_t next_ = 0;
};

}  // namespace

std::string percent(Heap& heap, const std::string& format, const Value& values) {
  return Percent(heap, values).run(format);
}

std::string formatted(Heap& heap, const std::string& format, const Arguments& arguments) {
  Output out(heap);
  Formatter(heap, arguments).run(format, out);
  return out.take();
}

}  // namespace qkscope::jinja
