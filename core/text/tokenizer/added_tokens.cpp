#include "core/text/tokenizer/added_tokens.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/base/utf8.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope {
namespace {

std::size_t spaces_at_start(std::string_view text) {
  std::size_t length = 0;
  for (; length < text.size(); length += character_length(text.substr(length))) {
    if (!is_space(first_character(text.substr(length)))) break;
  }
  return length;
}

std::size_t spaces_at_end(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const UChar32 code = last_character(text.substr(0, text.size() - length));
    if (!is_space(code)) break;
    length += static_cast<std::size_t>(U8_LENGTH(code));
  }
  return length;
}

bool stands_alone(std::string_view text, const Span& span) {
  return (span.begin == 0 || !is_word(last_character(text.substr(0, span.begin)))) &&
         (span.end == text.size() || !is_word(first_character(text.substr(span.end))));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  std::ranges::stable_sort(tokens_, {}, &AddedToken::content);
  const auto same = [](const AddedToken& a, const AddedToken& b) { return a.content == b.content; };
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end(), same), tokens_.end());
  for (const AddedToken& token : tokens_)
    begins_token_[static_cast<unsigned char>(token.content.front())] = true;
}

const AddedToken* AddedTokens::longest_at(std::string_view text, Budget& budget) const {
  if (!begins_token_[static_cast<unsigned char>(text.front())]) return nullptr;
  const AddedToken* longest = nullptr;
  auto first = tokens_.begin();
  auto last = tokens_.end();
  // The tokens that agree with the text so far are neighbours; byte by byte they become fewer.
  for (std::size_t depth = 0; depth < text.size(); ++depth) {
    const auto byte_at = [depth](const AddedToken& token) {
      return depth < token.content.size() ? static_cast<unsigned char>(token.content[depth]) : -1;
    };
    const int byte = static_cast<unsigned char>(text[depth]);
    first = std::ranges::lower_bound(first, last, byte, {}, byte_at);
    last = std::ranges::upper_bound(first, last, byte, {}, byte_at);
    if (first == last) break;
    budget.step();
    if (first->content.size() == depth + 1) longest = &*first;
  }
  return longest;
}

std::vector<AddedTokens::Match> AddedTokens::find(std::string_view text, bool parse_special,
                                                  Budget& budget) const {
  std::vector<Match> matches;
  std::size_t done = 0;  // end of the last match
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(text.substr(at), budget);
    if (!token) {
      ++at;
      continue;
    }
    Span span{at, at + token->content.size()};
    at = span.end;
    if (token->special && !parse_special) continue;
    if (token->single_word && !stands_alone(text, span)) continue;
    // A token of spaces stands although the one before it has taken these with it, as in Hugging Face's
    // tokenizers.
    if (token->lstrip && done < span.begin) span.begin -= spaces_at_end(text.substr(done, span.begin - done));
    if (token->rstrip) span.end += spaces_at_start(text.substr(span.end));
    budget.charge(sizeof(Match));
    budget.step(1 + (span.end - span.begin) / 16);
    matches.push_back({span, token->id});
    done = span.end;
  }
  return matches;
}

}  // namespace qkscope
