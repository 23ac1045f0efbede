#pragma once
#include <string>
#include <string_view>

#include "core/text/tokenizer/pipeline_tokenizer.h"

namespace qkscope {

/// Whether a tokenizer.model holds tiktoken's ranks: lines of a base64 token, a space and its rank.
bool is_tiktoken(std::string_view file);

/// Llama-3's tokenizer from its ranks (meta-llama/llama-models, models/llama3/tokenizer.py): two neighbours
/// merge where they make a token, the lowest rank first. Its 256 special tokens follow the last rank. Throws
/// Error starting with `where`.
TokenizerData read_tiktoken(std::string_view file, const std::string& where, Budget& budget);

}  // namespace qkscope
