#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// Begin and end of a stretch, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

/// A PCRE2 pattern over Unicode text, in the dialect that tokenizer files are written in (Oniguruma's): \s
/// and \S go by the property White_Space. Immutable and thread-safe.
class Regex {
 public:
  /// Throws Error naming the pattern and what is wrong with it.
  explicit Regex(std::string_view pattern);

  /// All matches in `text` (well-formed UTF-8), in order, without overlap; empty ones are left out.
  /// Throws Error where the pattern needs absurdly many steps.
  std::vector<Span> find_all(std::string_view text) const;
  /// The first match and its groups, 0 being the whole; groups that took no part are empty.
  std::optional<std::vector<std::string>> search(std::string_view text) const;

 private:
  class Code;
  std::string pattern_;
  std::shared_ptr<const Code> code_;
};

}  // namespace qkscope
