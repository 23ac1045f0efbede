#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/tokenizer/pattern.h"

namespace qkscope {

/// What is done to the whole text before it is cut: one step of a tokenizer.json's "normalizer". What it
/// makes is charged to the budget, and what it was given no longer is.
using Normalizer = std::function<std::string(std::string, Budget&)>;

/// Unicode normalization, `form` being NFC, NFD, NFKC or NFKD. Throws Error for another name.
Normalizer unicode_form(std::string_view form);
/// Puts `prefix` before a text that is not empty.
Normalizer prepend(std::string prefix);
/// Replaces each match of `pattern`.
Normalizer replace(Pattern pattern, std::string to);

/// A text on its way to the model, cut into stretches that the model takes one by one.
struct Pieces {
  std::string text;
  std::vector<Span> spans;  // in order, not empty, without overlap
  bool at_start = true;     // the text stands at the start of the whole, not after a special token
};

/// One step of a tokenizer.json's "pre_tokenizer".
using PreTokenizer = std::function<void(Pieces&, Budget&)>;

/// What becomes of a match where a stretch is split (names as tokenizer.json has them).
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

/// What is found in a stretch: spans in order, without overlap.
using Finder = std::function<std::vector<Span>(std::string_view, Budget&)>;

/// Cuts where `find` says; where `invert`, what is between the matches counts as the match.
PreTokenizer split(Finder find, SplitBehavior behavior = SplitBehavior::Isolated, bool invert = false);
PreTokenizer split(Pattern pattern, SplitBehavior behavior = SplitBehavior::Isolated, bool invert = false);
/// Puts a space before every stretch that does not begin with one.
PreTokenizer space_before();
/// sentencepiece's way: spaces become `replacement`, which `scheme` (always, first, never) also puts in
/// front; where `cut`, a stretch is cut before each. Throws Error for another scheme.
PreTokenizer metaspace(const std::string& replacement, std::string_view scheme, bool cut);

/// Every stretch by itself as `change` makes it.
PreTokenizer rewritten(Normalizer change);

/// The regular expression by which GPT-2 cuts text (openai/gpt-2, encoder.py).
std::string_view gpt2_pattern();

}  // namespace qkscope
