#include "core/text/tokenizer/tiktoken.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/base64.h"
#include "core/text/tokenizer/loaders.h"
#include "core/text/tokenizer/presets.h"

namespace qkscope {
namespace {

struct Rank {
  std::string token;
  int rank = 0;
};

std::optional<Rank> read_rank(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto token = from_base64(line.substr(0, space));
  int rank = -1;
  const std::string_view number = line.substr(space + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rank);
  if (!token || error != std::errc() || end != number.data() + number.size() || rank < 0 ||
      rank > largest_token_id) {
    return std::nullopt;
  }
  return Rank{std::move(*token), rank};
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// All pairs of tokens that make a third, by the third's rank.
std::vector<BpeMerge> pairs(const std::vector<TokenizerData::Token>& tokens, Budget& budget) {
  TokenIndex index;
  index.reserve(tokens.size());
  for (const TokenizerData::Token& token : tokens) index.emplace(token.text, token.id);
  std::vector<BpeMerge> merges;
  for (const auto& [id, text, normal] : tokens) {
    const std::string_view token = text;
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      budget.step(1 + token.size() / 64);
      const auto left = index.find(token.substr(0, cut));
      if (left == index.end()) continue;
      const auto right = index.find(token.substr(cut));
      if (right == index.end()) continue;
      budget.charge(sizeof(BpeMerge));
      merges.push_back({left->second, right->second, id});
    }
  }
  return merges;
}

constexpr std::array<const char*, 10> llama3_tokens = {"<|begin_of_text|>",
                                                       "<|end_of_text|>",
                                                       "<|reserved_special_token_0|>",
                                                       "<|reserved_special_token_1|>",
                                                       "<|reserved_special_token_2|>",
                                                       "<|reserved_special_token_3|>",
                                                       "<|start_header_id|>",
                                                       "<|end_header_id|>",
                                                       "<|reserved_special_token_4|>",
                                                       "<|eot_id|>"};

}  // namespace

bool is_tiktoken(std::string_view file) {
  return read_rank(take_line(file)).has_value();
}

TokenizerData read_tiktoken(std::string_view file, const std::string& where, Budget& budget) {
  TokenizerData data;
  for (int number = 1; !file.empty(); ++number) {
    const std::string_view line = take_line(file);
    if (line.empty()) continue;
    auto rank = read_rank(line);
    if (!rank) {
      throw Error("line " + std::to_string(number) + " of " + where + " is " + in_quotes(line) +
                  ", expected a token in base64 and its rank");
    }
    budget.step();
    budget.charge(sizeof(TokenizerData::Token) + line.size());
    data.tokens.push_back({rank->rank, std::move(rank->token), true});
  }
  std::ranges::sort(data.tokens, {}, &TokenizerData::Token::id);
  const auto twice = std::ranges::adjacent_find(data.tokens, {}, &TokenizerData::Token::id);
  if (twice != data.tokens.end())
    throw Error(where + " gives the rank " + std::to_string(twice->id) + " to two tokens");
  BpeSettings model{.merges = pairs(data.tokens, budget)};
  auto preset = *tokenizer_preset("llama-bpe", budget);
  data.kind = "byte-level BPE (tiktoken)";
  data.pre_tokenizers = std::move(preset.pre_tokenizers);
  model.ignore_merges = preset.ignore_merges;
  data.model = std::move(model);
  data.adds_bos = preset.adds_bos;
  const auto first = data.tokens.empty() ? 0 : data.tokens.back().id + 1;
  for (int i = 0; i < 256; ++i) {
    const auto named = static_cast<std::size_t>(i);
    data.added.push_back({.id = first + i,
                          .content = named < llama3_tokens.size()
                                         ? llama3_tokens[named]
                                         : "<|reserved_special_token_" + std::to_string(i - 5) + "|>",
                          .special = true});
  }
  return data;
}

}  // namespace qkscope
