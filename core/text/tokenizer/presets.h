#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/text/tokenizer/text_steps.h"

namespace qkscope {

/// How the models of one family cut their text, where the files give only the family's name.
struct TokenizerPreset {
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  bool ignore_merges = false;
  bool adds_bos = false;  // unless the file says otherwise
};

/// By the names GGUF files use ("gpt-2", "llama-bpe", "qwen2", "smollm", ...); nothing for an unknown one.
std::optional<TokenizerPreset> tokenizer_preset(std::string_view name, Budget& budget);
/// The names, for an error message.
std::string_view known_presets();

}  // namespace qkscope
