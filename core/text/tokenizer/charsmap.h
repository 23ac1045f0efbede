#pragma once
#include <string_view>

#include "core/text/tokenizer/text_steps.h"

namespace qkscope {

/// sentencepiece's table of replacements as tokenizer.json keeps it ("Precompiled", in base64): a trie in a
/// double array, then the replacements, each ended by NUL (google/sentencepiece, normalizer.cc; applied as
/// tokenizers/src/normalizers/precompiled.rs does). Throws Error, in words that follow the name of the place,
/// for a table that is damaged.
Normalizer charsmap(std::string_view base64, Budget& budget);

}  // namespace qkscope
