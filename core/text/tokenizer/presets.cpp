#include "core/text/tokenizer/presets.h"

#include <algorithm>
#include <string>

namespace qkscope {
namespace {

// The regular expressions stand in the models' tokenizer.json, under pre_tokenizer; which name is which
// model's is llama.cpp's to say (src/llama-vocab.cpp).
constexpr std::string_view digit = R"(\p{N})", three_digits = R"(\p{N}{1,3})";
constexpr std::string_view llama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view tekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view gpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view han_and_kana = "[一-龥\u3040-ゟ゠-ヿ]+", east_asian = "[一-龥ࠀ-一가-\ud7ff]+";
constexpr std::string_view deepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view bailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view seed_coder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view exaone_moe =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view jais2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";
constexpr std::string_view bloom = " ?[^(\\s|.,!?…。，、।۔،)]+";

struct Preset {
  std::vector<std::string_view> names;
  std::vector<std::string_view> cuts;  // one after the other
  bool composes = false;               // NFC before
  bool ignore_merges = false, adds_bos = false;
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {{"gpt-2", "gpt2", "phi-2", "mpt", "gigachat", "a.x-4.0", "mellum", "modern-bert", "jina-es", "jina-de",
        "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "roberta-bpe", "jais", "trillion",
        "granite-docling"},
       {gpt2_pattern()}},
      {{"gpt-neox", "olmo"}, {gpt2_pattern()}, true},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
       {digit, gpt2_pattern()}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano"},
       {llama3},
       false,
       true,
       true},
      {{"dbrx", "smaug-bpe", "chatglm-bpe"}, {llama3}},
      {{"glm4", "glm5"}, {llama3}, false, true},
      {{"jais-2"}, {jais2}},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2"}, {qwen2}, true},
      {{"hunyuan", "solar-open", "grok-2", "megrez"}, {qwen2}},
      {{"qwen35"}, {qwen35}, true},
      {{"tekken"}, {tekken}, false, true, true},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, {gpt4o}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm"}, {three_digits, han_and_kana, deepseek3}},
      {{"deepseek-coder"}, {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", east_asian, digit}},
      {{"falcon"}, {R"([\p{P}\$\+<=>\^~\|`]+)", gpt2_pattern(), "[0-9][0-9][0-9]"}},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, {bailing}},
      {{"seed-coder"}, {seed_coder}},
      {{"exaone-moe"}, {exaone_moe}},
      {{"superbpe"}, {R"(\p{N}+)", R"((?=(\d{3})+(?!\d)))"}},
      {{"bloom", "gpt3-finnish", "poro-chat"}, {bloom}},
      {{"viking"}, {bloom, digit}},
      {{"default"}, {R"([\p{P}\$\+<=>\^~\|]+)", gpt2_pattern(), R"(\p{N}+)", "[0-9][0-9][0-9]"}},
  };
  return all;
}

}  // namespace

std::optional<TokenizerPreset> tokenizer_preset(std::string_view name, Budget& budget) {
  const auto found = std::ranges::find_if(
      presets(), [&](const Preset& p) { return std::ranges::find(p.names, name) != p.names.end(); });
  if (found == presets().end()) return std::nullopt;
  TokenizerPreset preset;
  if (found->composes) preset.normalizers = {unicode_form("NFC")};
  for (const std::string_view expression : found->cuts)
    preset.pre_tokenizers.push_back(split(Pattern::regex(expression, budget)));
  preset.ignore_merges = found->ignore_merges;
  preset.adds_bos = found->adds_bos;
  return preset;
}

std::string_view known_presets() {
  static const std::string names = [] {
    std::string text;
    for (const Preset& preset : presets()) {
      text += text.empty() ? "" : &preset == &presets().back() ? " or " : ", ";
      text += preset.names.front();
    }
    return text;
  }();
  return names;
}

}  // namespace qkscope
