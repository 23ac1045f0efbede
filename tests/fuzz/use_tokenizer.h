#pragma once
#include <cstdlib>
#include <string>

#include "core/base/budget.h"
#include "core/base/utf8.h"
#include "core/text/tokenizer.h"

namespace qkscope::test {

/// Whatever the file said, ids lie in the vocabulary and text is UTF-8.
inline void use_tokenizer(const Tokenizer& tokenizer, Budget& budget) {
  for (const std::string text :
       {"", " abc ab\n12  a", "Gr\xC3\xB6\xC3\x9F\x65 \xE4\xBD\xA0\xFF\xF0\x9F\x99", "xx[end]ab word"}) {
    for (const bool parse_special : {true, false}) {
      const TokenIds ids = tokenizer.encode(text, parse_special, budget);
      for (const int id : ids) {
        if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
      }
      const std::string decoded = tokenizer.decode(ids);
      if (valid_utf8(decoded) != decoded) std::abort();
    }
  }
}

}  // namespace qkscope::test
