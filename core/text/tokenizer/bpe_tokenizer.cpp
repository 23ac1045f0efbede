#include "core/text/tokenizer/bpe_tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/fallback_byte.h"

namespace qkscope {

BpeTokenizer::BpeTokenizer(BpeData data, Budget& budget) : data_(std::move(data)), merges_(data_.merges) {
  data_.merges = {};
  set_ends({std::nullopt, std::nullopt, data_.adds_bos, {}, data_.frame});
  set_name(budget.what());
  add_tokens_beside();
  byte_ids_.fill(-1);
  index_.reserve(data_.tokens.size());
  for (const auto& [id, text, normal] : data_.tokens) {
    if (!normal || text.empty() || !index_.emplace(text, id).second) continue;
    if (data_.byte_level && text.size() == 1) byte_ids_[static_cast<unsigned char>(text[0])] = id;
    if (!data_.byte_level && data_.byte_fallback) {
      if (const auto byte = fallback_byte(text)) byte_ids_[*byte] = id;
    }
  }
  prepare_decoding(budget);

  std::vector<AddedToken> in_text, in_normalized;
  for (AddedToken token : data_.added) {
    budget.charge(token.content.size());
    if (token.normalized) {
      for (const Normalizer& normalizer : data_.normalizers)
        token.content = normalizer(std::move(token.content), budget);
    }
    (token.normalized ? in_normalized : in_text).push_back(std::move(token));
  }
  in_text_ = AddedTokens(std::move(in_text));
  in_normalized_ = AddedTokens(std::move(in_normalized));
}

void BpeTokenizer::add_tokens_beside() {
  std::ranges::sort(data_.tokens, {}, &BpeData::Token::id);
  std::vector<BpeData::Token> beside;
  for (std::size_t i = 0; i < data_.added.size(); ++i) {
    const AddedToken& added = data_.added[i];
    if (added_.insert_or_assign(added.id, static_cast<int>(i)).second && !token(added.id))
      beside.push_back({added.id, added.content, false});
  }
  data_.tokens.insert(data_.tokens.end(), std::make_move_iterator(beside.begin()),
                      std::make_move_iterator(beside.end()));
  std::ranges::sort(data_.tokens, {}, &BpeData::Token::id);
}

/// At once for all tokens: what a hostile decoder makes of one is then paid once, by who opens the file.
void BpeTokenizer::prepare_decoding(Budget& budget) {
  if (data_.decoders.empty()) return;
  decoded_.reserve(data_.tokens.size());
  for (const BpeData::Token& token : data_.tokens) {
    budget.charge(token.text.size());
    std::string text = token.text;
    for (const Normalizer& decoder : data_.decoders) text = decoder(std::move(text), budget);
    decoded_.push_back(std::move(text));
  }
}

const BpeData::Token* BpeTokenizer::token(int id) const {
  const auto place = static_cast<std::size_t>(id);  // where no id is missing
  if (place < data_.tokens.size() && data_.tokens[place].id == id) return &data_.tokens[place];
  const auto found = std::ranges::lower_bound(data_.tokens, id, {}, &BpeData::Token::id);
  return found != data_.tokens.end() && found->id == id ? &*found : nullptr;
}

const AddedToken* BpeTokenizer::added(int id) const {
  const auto found = added_.find(id);
  return found == added_.end() ? nullptr : &data_.added[static_cast<std::size_t>(found->second)];
}

namespace {

/// Calls `plain(stretch, begin)` and `token(id)` for what lies between the matches and for these, in order.
template <typename Plain, typename Token>
void walk(std::string_view text, const std::vector<AddedTokens::Match>& matches, const Plain& plain,
          const Token& token) {
  std::size_t done = 0;
  for (const AddedTokens::Match& match : matches) {
    if (done < match.span.begin) plain(text.substr(done, match.span.begin - done), done);
    token(match.id);
    done = match.span.end;
  }
  if (done < text.size()) plain(text.substr(done), done);
}

}  // namespace

TokenIds BpeTokenizer::encode(std::string_view text, bool parse_special, Budget& budget) const {
  const Charge held(budget, 2 * text.size());
  const std::string valid = valid_utf8(text);
  TokenIds ids;
  walk(
      valid, in_text_.find(valid, parse_special, budget),
      [&](std::string_view plain, std::size_t begin) {
        encode_between(plain, begin == 0, parse_special, ids, budget);
      },
      [&](int id) { ids.push_back(id); });
  return ids;
}

void BpeTokenizer::encode_between(std::string_view text, bool at_start, bool parse_special, TokenIds& ids,
                                  Budget& budget) const {
  budget.charge(text.size());
  std::string normalized(text);
  for (const Normalizer& normalizer : data_.normalizers)
    normalized = normalizer(std::move(normalized), budget);
  walk(
      normalized, in_normalized_.find(normalized, parse_special, budget),
      [&](std::string_view plain, std::size_t begin) {
        encode_pieces(std::string(plain), at_start && begin == 0, ids, budget);
      },
      [&](int id) { ids.push_back(id); });
  budget.refund(normalized.size());
}

void BpeTokenizer::encode_pieces(std::string text, bool at_start, TokenIds& ids, Budget& budget) const {
  budget.charge(text.size() + sizeof(Span));
  Pieces pieces{std::move(text), {}, at_start};
  pieces.spans.push_back({0, pieces.text.size()});
  for (const PreTokenizer& step : data_.pre_tokenizers) step(pieces, budget);
  for (const Span& span : pieces.spans) {
    encode_piece(std::string_view(pieces.text).substr(span.begin, span.end - span.begin), ids, budget);
  }
  budget.refund(pieces.text.size() + pieces.spans.size() * sizeof(Span));
}

void BpeTokenizer::encode_piece(std::string_view piece, TokenIds& ids, Budget& budget) const {
  budget.step(1 + piece.size() / 16);
  if (data_.ignore_merges) {
    if (const auto whole = index_.find(piece); whole != index_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  const Charge held(budget, piece.size() * sizeof(int));
  std::vector<int> symbols = characters(piece);
  merges_.apply(symbols, budget);
  budget.charge(symbols.size() * sizeof(int));  // in `ids`, to the end
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

/// The ids a piece begins with, before any merge. A byte for which the vocabulary has no token leaves no
/// trace, as in Hugging Face's tokenizers.
std::vector<int> BpeTokenizer::characters(std::string_view piece) const {
  std::vector<int> ids;
  ids.reserve(piece.size());
  if (data_.byte_level) {
    for (const char c : piece) {
      const int id = byte_ids_[static_cast<unsigned char>(c)];
      if (id >= 0) ids.push_back(id);
    }
    return ids;
  }
  bool after_unknown = false;
  for (std::size_t at = 0, length = 0; at < piece.size(); at += length) {
    length = character_length(piece.substr(at));
    const std::string_view character = piece.substr(at, length);
    if (const auto found = index_.find(character); found != index_.end()) {
      ids.push_back(found->second);
      after_unknown = false;
      continue;
    }
    const auto byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (data_.byte_fallback && std::ranges::all_of(character, [&](char c) { return byte_id(c) >= 0; })) {
      for (const char c : character) ids.push_back(byte_id(c));
      after_unknown = false;
    } else if (data_.unknown) {
      if (!(after_unknown && data_.fuse_unknown)) ids.push_back(*data_.unknown);
      after_unknown = true;
    }
  }
  return ids;
}

std::string BpeTokenizer::piece_bytes(int id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error("token id " + std::to_string(id) + " is not in the vocabulary, which has " +
                std::to_string(vocab_size()) + " tokens");
  }
  if (const AddedToken* special = added(id)) return special->content;
  const BpeData::Token* found = token(id);
  if (!found) return {};
  if (data_.byte_fallback) {
    if (const auto byte = fallback_byte(found->text)) return {static_cast<char>(*byte)};
  }
  return decoded_.empty() ? found->text : decoded_[static_cast<std::size_t>(found - data_.tokens.data())];
}

bool BpeTokenizer::is_special(int id) const {
  const AddedToken* found = added(id);
  return found && found->special;
}

std::optional<int> BpeTokenizer::find(std::string_view token) const {
  for (const AddedToken& added : data_.added) {
    if (added.content == token) return added.id;
  }
  if (const auto found = index_.find(token); found != index_.end()) return found->second;
  return std::nullopt;
}

void MergeList::add(std::string_view line) {
  const std::size_t space = line.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == line.size()) {
    throw Error("merge " + std::to_string(merges_.size() + 1) + " of " + where_ + " is " + in_quotes(line) +
                ", expected two tokens with a space between them");
  }
  add(line.substr(0, space), line.substr(space + 1));
}

void MergeList::add(std::string_view left, std::string_view right) {
  joined_.assign(left).append(right);
  merges_.push_back({id(left, left, right), id(right, left, right), id(joined_, left, right)});
}

int MergeList::id(std::string_view token, std::string_view left, std::string_view right) const {
  const auto found = index_.find(token);
  if (found != index_.end()) return found->second;
  throw Error("merge " + std::to_string(merges_.size() + 1) + " of " + where_ + " joins " + in_quotes(left) +
              " and " + in_quotes(right) + ", but the vocabulary has no token " + in_quotes(token));
}

}  // namespace qkscope
