#include "core/text/tokenizer/added_vocabulary.h"

#include <algorithm>

namespace qkscope {

int AddedVocabulary::next_id() const {
  const auto count = static_cast<int>(index_.size());
  return std::max(largest_ + 1, count);
}

void AddedVocabulary::add(AddedToken token) {
  if (token.content.empty()) return;
  const auto [place, is_new] = places_.try_emplace(token.content, tokens_.size());
  if (!is_new) {
    AddedToken& old = tokens_[place->second];
    token.id = old.id;
    token.special |= old.special;
    old = std::move(token);
    return;
  }
  const auto known = index_.find(token.content);
  token.id = known != index_.end() ? known->second : next_id();
  largest_ = std::max(largest_, token.id);
  tokens_.push_back(std::move(token));
}

void AddedVocabulary::add(const SideTokens& side) {
  const auto is_named = [&](const std::string& text) {
    return std::ranges::any_of(side.named, [&](const auto& named) { return named.second.content == text; });
  };
  std::vector<AddedToken> tokens = side.declared;
  const auto add_new = [&](const AddedToken& token) {
    const auto same = [&](const AddedToken& other) { return other.content == token.content; };
    if (!contains(token.content) && std::ranges::none_of(tokens, same)) tokens.push_back(token);
  };
  for (const auto& [name, token] : side.named) add_new(token);
  for (const AddedToken& token : side.more) add_new(token);
  for (AddedToken& token : tokens) {
    token.special |= is_named(token.content);
    add(std::move(token));
  }
}

}  // namespace qkscope
