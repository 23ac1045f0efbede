#pragma once
#include <unicode/umachine.h>

#include <cstddef>
#include <string_view>

#include "core/text/tokenizer/text_steps.h"

namespace qkscope {

/// Steps of a tokenizer.json that look at characters one by one (tokenizers/src/normalizers and
/// pre_tokenizers).

/// Small letters, each character by itself.
Normalizer lowercase();
/// Without white space at the ends.
Normalizer strip(bool left, bool right);
/// Without marks.
Normalizer strip_accents();
/// sentencepiece's cleaning for machine translation: no control characters, one kind of space.
Normalizer nmt();
/// BERT's cleaning: no control characters and one kind of space, spaces around ideographs, no accents, small
/// letters, each where it is wanted.
Normalizer bert_cleaning(bool clean, bool ideographs, bool accents_off, bool small);
/// Every byte as a character of GPT-2's alphabet.
Normalizer to_byte_alphabet();

/// Cuts at every character that is of a kind, each being a match.
PreTokenizer split_at(bool (*is_of_kind)(UChar32), SplitBehavior behavior);
PreTokenizer split_at(UChar32 code, SplitBehavior behavior);
/// Runs of word characters, and of what is neither these nor white space, which is dropped.
PreTokenizer words_and_signs();
/// Cuts where the script changes.
PreTokenizer split_scripts();
/// Stretches of so many characters.
PreTokenizer split_every(std::size_t count);

}  // namespace qkscope
