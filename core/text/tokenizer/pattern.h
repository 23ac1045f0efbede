#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/budget.h"

namespace qkscope {

/// Begin and end of a stretch, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

/// What a tokenizer looks for in a text: a text, or a regular expression of Oniguruma's, in which Hugging
/// Face's tokenizer files are written. Immutable and thread-safe.
class Pattern {
 public:
  /// Finds `text` itself.
  static Pattern literal(std::string text);
  /// Throws Error naming the expression and what is wrong with it.
  static Pattern regex(std::string_view expression, Budget& budget);

  /// All matches in `text` (well-formed UTF-8), in order, without overlap; those of no width as Hugging
  /// Face's tokenizers has them. Ends soon whatever the expression is: throws Error where it needs absurdly
  /// many steps, or as `budget` does.
  std::vector<Span> find_all(std::string_view text, Budget& budget) const;

 private:
  class Code;
  explicit Pattern(std::string text) : text_(std::move(text)) {}

  std::string text_;                  // the literal, or the expression
  std::shared_ptr<const Code> code_;  // null for a literal
};

}  // namespace qkscope
