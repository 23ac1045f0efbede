#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/text/tokenizer/text_model.h"

namespace qkscope {

struct UnigramSettings {
  std::vector<double> scores = {};  // by id
  std::optional<int> unknown = {};  // what a character without a token becomes; several in a row are one
  bool byte_fallback = false;       // these become their bytes, "<0xE6>" each, instead
};

/// The tokens whose scores add up highest (tokenizers/src/models/unigram/model.rs, encode_optimized). `index`
/// outlives it. Throws Error as `budget` does; encode() also where a text needs the unknown token and there
/// is none.
std::unique_ptr<TextModel> unigram_model(UnigramSettings settings, const TokenIndex& index, Budget& budget);

}  // namespace qkscope
