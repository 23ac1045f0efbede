#include "core/io/npy_header.h"

#include <charconv>
#include <set>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {
namespace {

constexpr std::size_t most_axes = 64;  // numpy's own limit

/// Reads the few Python literals that numpy writes.
class Literals {
 public:
  Literals(std::string_view text, const std::string& where)
      : text_(text.substr(0, text.find_last_not_of(" \t\r\n") + 1)), where_(where) {}

  NpyHeader read() {
    NpyHeader header;
    std::set<std::string> keys;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        if (next() == '[') {
          throw Error(where_ +
                      " holds records of several fields (a structured dtype), expected plain "
                      "numbers; save each field by itself");
        }
        header.descr = string();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail("the unknown key " + in_quotes(key));
      }
      if (!keys.insert(key).second) fail("the key " + in_quotes(key) + " twice");
      if (!accept(',') && next() != '}') fail_at_place();
    }
    if (next() != '\0') fail_at_place();
    if (keys.size() != 3) fail("not all of the keys descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("the header of " + where_ + " has " + what + ": it is no .npy file of numpy's, or damaged");
  }
  [[noreturn]] void fail_at_place() const {
    fail(in_quotes(text_.substr(place_, 20)) + " at character " + std::to_string(place_));
  }

  /// The next character that is no blank; '\0' at the end.
  char next() {
    place_ = std::min(text_.find_first_not_of(" \t\r\n", place_), text_.size());
    return place_ < text_.size() ? text_[place_] : '\0';
  }
  bool accept(char c) {
    if (next() != c || c == '\0') return false;
    ++place_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail_at_place();
  }
  bool accept(std::string_view word) {
    next();
    if (!text_.substr(place_).starts_with(word)) return false;
    place_ += word.size();
    return true;
  }

  std::string string() {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail_at_place();
    const auto end = text_.find(quote, place_ + 1);
    if (end == text_.npos) fail_at_place();
    std::string found(text_.substr(place_ + 1, end - place_ - 1));
    place_ = end + 1;
    return found;
  }
  bool boolean() {
    if (accept("True")) return true;
    if (accept("False")) return false;
    fail_at_place();
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      next();
      std::int64_t size = 0;
      const auto [end, problem] = std::from_chars(text_.data() + place_, text_.data() + text_.size(), size);
      if (problem != std::errc()) fail_at_place();
      place_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // Python 2's long integers
      sizes.push_back(size);
      if (sizes.size() > most_axes) fail("more than " + std::to_string(most_axes) + " axes");
      if (!accept(',') && next() != ')') fail_at_place();
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t place_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& where) {
  return Literals(text, where).read();
}

}  // namespace qkscope
