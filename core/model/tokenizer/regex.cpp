#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/model/tokenizer/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/error.h"

namespace qkscope {
namespace {

/// \s of PCRE2 takes U+180E too, which Unicode no longer counts as white space.
std::string with_unicode_spaces(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += "\\p{White_Space}";
    } else if (escaped == 'S') {
      out += "\\P{White_Space}";
    } else {
      out += {'\\', escaped};
    }
  }
  return out;
}

PCRE2_SPTR bytes(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

std::string message(int code) {
  std::string text(256, '\0');
  const int length = pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text.data()), text.size());
  text.resize(static_cast<std::size_t>(std::max(length, 0)));
  return text;
}

struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct MatchContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

class Regex::Code {
 public:
  explicit Code(pcre2_code* code) : code_(code) {}
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code_); }
  const pcre2_code* get() const { return code_; }

 private:
  pcre2_code* code_;
};

namespace {

/// One search through one text; not shared between threads.
class Matcher {
 public:
  Matcher(const pcre2_code* code, const std::string& pattern, std::string_view text)
      : code_(code),
        pattern_(pattern),
        text_(text),
        data_(pcre2_match_data_create_from_pattern(code, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    if (!data_ || !context_) throw std::bad_alloc();
    // Steps in proportion to the text: a long run of spaces is honest work, an exponential pattern is not.
    const std::size_t steps = 10'000'000 + 100 * text.size();
    pcre2_set_match_limit(context_.get(), static_cast<std::uint32_t>(std::min<std::size_t>(
                                              steps, std::numeric_limits<std::uint32_t>::max())));
  }

  /// The first match at or after `from`; its groups stand in group().
  bool find(std::size_t from) {
    // The text is known to be well-formed; checking it again at every match would be quadratic.
    int count = match(from, PCRE2_NO_UTF_CHECK);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) count = match(from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (count == PCRE2_ERROR_NOMATCH) return false;
    if (count < 0)
      throw Error("the regular expression '" + pattern_ + "' failed on a text: " + message(count));
    return true;
  }

  std::uint32_t groups() const { return pcre2_get_ovector_count(data_.get()); }
  Span group(std::size_t index) const {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data_.get());
    if (offsets[2 * index] == PCRE2_UNSET) return {};
    return {offsets[2 * index], std::max(offsets[2 * index], offsets[2 * index + 1])};
  }

 private:
  int match(std::size_t from, std::uint32_t options) {
    return pcre2_match(code_, bytes(text_), text_.size(), from, options, data_.get(), context_.get());
  }

  const pcre2_code* code_;
  const std::string& pattern_;
  std::string_view text_;
  std::unique_ptr<pcre2_match_data, MatchDataDeleter> data_;
  std::unique_ptr<pcre2_match_context, MatchContextDeleter> context_;
};

}  // namespace

Regex::Regex(std::string_view pattern) : pattern_(pattern) {
  const std::string translated = with_unicode_spaces(pattern);
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled =
      pcre2_compile(bytes(translated), translated.size(), PCRE2_UTF | PCRE2_UCP, &code, &offset, nullptr);
  if (!compiled) throw Error("the regular expression '" + pattern_ + "' is not valid: " + message(code));
  code_ = std::make_shared<const Code>(compiled);
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // where there is no JIT, the interpreter does the same
}

std::vector<Span> Regex::find_all(std::string_view text) const {
  std::vector<Span> spans;
  Matcher matcher(code_->get(), pattern_, text);
  for (std::size_t from = 0; from < text.size() && matcher.find(from);) {
    const Span span = matcher.group(0);
    if (span.begin < span.end) {
      spans.push_back(span);
      from = span.end;
      continue;
    }
    from = span.end + 1;  // past an empty match, to the next character
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80) ++from;
  }
  return spans;
}

std::optional<std::vector<std::string>> Regex::search(std::string_view text) const {
  Matcher matcher(code_->get(), pattern_, text);
  if (!matcher.find(0)) return std::nullopt;
  std::vector<std::string> groups;
  for (std::uint32_t i = 0; i < matcher.groups(); ++i) {
    const Span span = matcher.group(i);
    groups.emplace_back(text.substr(span.begin, span.end - span.begin));
  }
  return groups;
}

}  // namespace qkscope
