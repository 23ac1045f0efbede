#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/tokenizer/pattern.h"

namespace qkscope {

/// A token that is found in the text itself, before the model sees it. The flags are Hugging Face's.
struct AddedToken {
  int id = -1;
  std::string content;
  bool special = false;      // a control token, which decode leaves out on demand
  bool normalized = false;   // looked for in the normalized text
  bool lstrip = false;       // takes the white space to its left with it
  bool rstrip = false;       // and to its right
  bool single_word = false;  // only where no letter or digit touches it
};

/// Finds added tokens in a text: leftmost first, the longest of those that begin there.
class AddedTokens {
 public:
  struct Match {
    Span span;
    int id = -1;
  };

  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// All tokens written in `text` (well-formed UTF-8); those that are special only where `parse_special`.
  std::vector<Match> find(std::string_view text, bool parse_special, Budget& budget) const;

 private:
  const AddedToken* longest_at(std::string_view text, Budget& budget) const;

  std::vector<AddedToken> tokens_;        // sorted by content, none empty, none twice
  std::array<bool, 256> begins_token_{};  // by first byte
};

}  // namespace qkscope
