#include "core/text/jinja/lexer.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"

namespace qkscope::jinja {
namespace {

constexpr std::string_view white = " \t\n\r\f\v";

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  Lexer(std::string_view source, Budget& budget) : budget_(budget) {
    budget_.charge(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\r') {
        source_ += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      } else {
        source_ += source[i];
      }
    }
    if (source_.ends_with('\n')) source_.pop_back();
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      text(next_tag());
      if (at_ < source_.size()) tag();
    }
    add(Token::Kind::End, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("line " + std::to_string(line_) + " of the chat template " + problem);
  }
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool starts(std::string_view what) const { return rest().starts_with(what); }

  void advance(std::size_t count) {
    line_ += static_cast<int>(
        std::count(rest().begin(), rest().begin() + static_cast<std::ptrdiff_t>(count), '\n'));
    at_ += count;
  }
  void add(Token::Kind kind, std::string text) {
    budget_.step();
    budget_.charge(2 * sizeof(Token) + text.size());
    tokens_.push_back({kind, std::move(text), line_});
  }

  std::size_t next_tag() const {
    std::size_t end = at_;
    while (true) {
      end = source_.find('{', end);
      if (end == std::string::npos || end + 1 == source_.size()) return source_.size();
      if (const char next = source_[end + 1]; next == '{' || next == '%' || next == '#') return end;
      ++end;
    }
  }

  /// What stands before the tag at `end`, less the white space that the tags around it take.
  void text(std::size_t end) {
    const std::size_t length = end - at_;
    std::string_view text = rest().substr(0, length);
    if (strip_next_) {
      text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
    } else if (trim_newline_ && text.starts_with('\n')) {
      text.remove_prefix(1);
    }
    if (end < source_.size()) {
      const char mode = end + 2 < source_.size() ? source_[end + 2] : ' ';
      if (mode == '-') {
        const std::size_t last = text.find_last_not_of(white);
        text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
      } else if (source_[end + 1] != '{' && mode != '+') {
        text = without_indentation(text);
      }
    }
    if (!text.empty()) add(Token::Kind::Text, std::string(text));
    advance(length);
  }

  /// lstrip_blocks: nothing but spaces before a tag on its line goes.
  std::string_view without_indentation(std::string_view text) const {
    const std::size_t last = text.find_last_not_of(" \t");
    if (last != std::string_view::npos) return text[last] == '\n' ? text.substr(0, last + 1) : text;
    // All of it spaces: is what stands before it, taken by the last tag, the end of a line?
    const auto begin = static_cast<std::size_t>(text.data() - source_.data());
    return begin == 0 || source_[begin - 1] == '\n' ? text.substr(0, 0) : text;
  }

  void tag() {
    const char kind = source_[at_ + 1];
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    const bool print = kind == '{';
    const char mode = at_ + 2 < source_.size() ? source_[at_ + 2] : ' ';
    add(print ? Token::Kind::BeginPrint : Token::Kind::BeginTag, print ? "{{" : "{%");
    advance(mode == '-' || mode == '+' ? 3 : 2);
    const std::string_view close = print ? "}}" : "%}";
    depth_ = 0;
    while (true) {
      advance(std::min(rest().find_first_not_of(white), rest().size()));
      if (at_ == source_.size()) fail("has a tag that does not end");
      const bool sign = (starts("-") || (!print && starts("+"))) && rest().substr(1).starts_with(close);
      if (depth_ == 0 && (sign || starts(close))) {
        const bool strips = starts("-");
        const bool keeps = starts("+");
        advance(sign ? 3 : 2);
        add(print ? Token::Kind::EndPrint : Token::Kind::EndTag, std::string(close));
        after_tag(strips, !print && !keeps);
        return;
      }
      expression_token();
    }
  }

  /// The size of a tag of one word that stands at `at`, with its brackets and signs; 0 where there is none.
  std::size_t word_tag(std::size_t at, std::string_view word) const {
    const std::string_view tag = std::string_view(source_).substr(at);
    std::size_t end = 2;
    if (tag.size() > end && (tag[end] == '-' || tag[end] == '+')) ++end;
    end = std::min(tag.find_first_not_of(white, end), tag.size());
    if (!tag.substr(end).starts_with(word)) return 0;
    end = std::min(tag.find_first_not_of(white, end + word.size()), tag.size());
    if (end < tag.size() && (tag[end] == '-' || tag[end] == '+')) ++end;
    return tag.substr(end).starts_with("%}") ? end + 2 : 0;
  }

  /// {% raw %} and all up to its end, as text.
  bool raw() {
    const std::size_t size = word_tag(at_, "raw");
    if (size == 0) return false;
    const bool strips = source_[at_ + size - 3] == '-';
    advance(size);
    std::size_t end = at_, end_size = 0;
    for (; end_size == 0; end += end_size == 0 ? 2 : 0) {
      end = source_.find("{%", end);
      if (end == std::string::npos) fail("has a raw block that does not end");
      budget_.step();
      end_size = word_tag(end, "endraw");
    }
    after_tag(strips, false);
    text(end);
    const char sign = source_[end + end_size - 3];
    advance(end_size);
    after_tag(sign == '-', sign != '+');
    return true;
  }

  void after_tag(bool strips, bool trims) {
    strip_next_ = strips;
    trim_newline_ = trims;
  }

  void comment() {
    const std::size_t end = source_.find("#}", at_ + 2);
    if (end == std::string::npos) fail("has a comment that does not end");
    const char mode = source_[end - 1];
    const bool signed_end = end - 1 >= at_ + 2;
    advance(end + 2 - at_);
    after_tag(signed_end && mode == '-', !(signed_end && mode == '+'));
  }

  void expression_token() {
    const char c = source_[at_];
    if (c == '\'' || c == '"') return string(c);
    if (is_name_start(c)) {
      std::size_t length = 1;
      while (length < rest().size() && (is_name_start(rest()[length]) || is_digit(rest()[length]))) ++length;
      add(Token::Kind::Name, std::string(rest().substr(0, length)));
      return advance(length);
    }
    if (is_digit(c)) return number();
    constexpr std::array<std::string_view, 25> operators = {"==", "!=", "<=", ">=", "//", "**", "(", ")", "[",
                                                            "]",  "{",  "}",  "+",  "-",  "*",  "/", "%", "~",
                                                            "|",  ".",  ",",  ":",  "=",  "<",  ">"};
    for (const std::string_view sign : operators) {
      if (!starts(sign)) continue;
      if (sign == "(" || sign == "[" || sign == "{") ++depth_;
      if ((sign == ")" || sign == "]" || sign == "}") && depth_ > 0) --depth_;
      add(Token::Kind::Operator, std::string(sign));
      return advance(sign.size());
    }
    fail("has an unexpected " +
         in_quotes(rest().substr(0, std::max<std::size_t>(1, character_length(rest())))));
  }

  /// 0x1F, 0o17, 0b101, with underscores: in decimal. False where none stands here.
  bool prefixed_number() {
    const char letter = rest().size() > 2 && rest()[0] == '0' ? static_cast<char>(rest()[1] | 0x20) : '\0';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (base == 0) return false;
    std::size_t length = 2;
    std::string digits;
    const auto is_one = [&](std::size_t at) {
      int value = 0;
      const char* place = rest().data() + at;
      return at < rest().size() && std::from_chars(place, place + 1, value, base).ec == std::errc();
    };
    while (is_one(length) || (length < rest().size() && rest()[length] == '_' && is_one(length + 1))) {
      if (rest()[length] != '_') digits += rest()[length];
      ++length;
    }
    if (digits.empty()) return false;
    std::int64_t number = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number, base).ec != std::errc())
      fail("has the number " + in_quotes(rest().substr(0, length)) + ", which is too large");
    add(Token::Kind::Number, std::to_string(number));
    advance(length);
    return true;
  }

  /// 12, 1_000, 1.5, 1e3, 2.5e-3: without the underscores.
  void number() {
    if (prefixed_number()) return;
    std::size_t length = 0;
    std::string text;
    const auto at = [&](std::size_t i) { return i < rest().size() ? rest()[i] : '\0'; };
    const auto digits = [&] {
      for (; is_digit(at(length)) || (at(length) == '_' && is_digit(at(length + 1))); ++length) {
        if (at(length) != '_') text += at(length);
      }
    };
    digits();
    const bool is_place = !tokens_.empty() && tokens_.back().is(Token::Kind::Operator, ".");  // a.1.0
    if (!is_place && at(length) == '.' && is_digit(at(length + 1))) {
      text += rest()[length++];
      digits();
    }
    if (at(length) == 'e' || at(length) == 'E') {
      const std::size_t sign = at(length + 1) == '-' || at(length + 1) == '+' ? 1 : 0;
      if (is_digit(at(length + 1 + sign))) {
        text += at(length + 1) == '-' ? "e-" : "e";
        length += 1 + sign;
        digits();
      }
    }
    add(Token::Kind::Number, std::move(text));
    advance(length);
  }

  void string(char quote) {
    std::string value;
    std::size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] != '\\' || i + 1 == source_.size()) {
        value += source_[i];
        continue;
      }
      i += escape(source_[i + 1], i + 2, value);
    }
    if (i >= source_.size()) fail("has a string that does not end");
    add(Token::Kind::String, std::move(value));
    advance(i + 1 - at_);
  }

  /// Python's escapes; returns how many characters follow the backslash. `next` is where the digits would
  /// begin.
  std::size_t escape(char c, std::size_t next, std::string& value) const {
    constexpr std::string_view letters = "abfnrtv\\'\"";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
    if (const std::size_t known = letters.find(c); known != std::string_view::npos) {
      value += meanings[known];
      return 1;
    }
    if (c == '\n') return 1;
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0 && next + digits <= source_.size()) {
      std::uint32_t code = 0;
      const char* begin = source_.data() + next;
      const auto [end, error] = std::from_chars(begin, begin + digits, code, 16);
      if (error == std::errc() && end == begin + digits && code <= 0x10FFFF && !U_IS_SURROGATE(code)) {
        std::array<char, 4> bytes{};
        std::int32_t length = 0;
        U8_APPEND_UNSAFE(bytes.data(), length, code);
        value.append(bytes.data(), static_cast<std::size_t>(length));
        return 1 + digits;
      }
    }
    value += {'\\', c};
    return 1;
  }

  Budget& budget_;
  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  int depth_ = 0;              // of brackets inside a tag
  bool strip_next_ = false;    // the tag before ended with -%}
  bool trim_newline_ = false;  // trim_blocks
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, Budget& budget) {
  return Lexer(source, budget).run();
}

}  // namespace qkscope::jinja
