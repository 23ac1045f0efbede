#include "core/text/tokenizer/presets.h"

namespace qkscope {
namespace {

// The regular expressions stand in the models' tokenizer.json, under pre_tokenizer.
constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view tekken_pattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool one_of(std::string_view name, auto... names) {
  return ((name == names) || ...);
}

}  // namespace

std::optional<TokenizerPreset> tokenizer_preset(std::string_view name, Budget& budget) {
  const auto cut_by = [&](std::string_view expression) { return split(Pattern::regex(expression, budget)); };
  if (one_of(name, "gpt-2", "gpt2", "phi-2", "mpt")) return TokenizerPreset{{}, {cut_by(gpt2_pattern())}};
  if (one_of(name, "gpt-neox", "olmo"))
    return TokenizerPreset{{unicode_form("NFC")}, {cut_by(gpt2_pattern())}};
  if (one_of(name, "smollm", "starcoder", "refact", "command-r", "codeshell"))
    return TokenizerPreset{{}, {cut_by(R"(\p{N})"), cut_by(gpt2_pattern())}};
  if (one_of(name, "llama-bpe", "llama3", "llama-v3"))
    return TokenizerPreset{{}, {cut_by(llama3_pattern)}, true, true};
  if (one_of(name, "qwen2", "deepseek-r1-qwen"))
    return TokenizerPreset{{unicode_form("NFC")}, {cut_by(qwen2_pattern)}};
  if (name == "tekken") return TokenizerPreset{{}, {cut_by(tekken_pattern)}, true, true};
  return std::nullopt;
}

std::string_view known_presets() {
  return "gpt-2, gpt-neox, llama-bpe, qwen2, smollm or tekken";
}

}  // namespace qkscope
