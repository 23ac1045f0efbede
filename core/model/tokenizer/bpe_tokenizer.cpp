#include "core/model/tokenizer/bpe_tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/model/tokenizer/fallback_byte.h"
#include "core/model/tokenizer/utf8.h"
#include "core/model/wording.h"

namespace qkscope {

BpeTokenizer::BpeTokenizer(BpeData data) : data_(std::move(data)), merges_(data_.merges) {
  data_.merges = {};
  set_ends({std::nullopt, std::nullopt, data_.adds_bos, {}});
  for (const AddedToken& token : data_.added) {
    const auto id = static_cast<std::size_t>(token.id);
    if (data_.tokens.size() <= id) data_.tokens.resize(id + 1);
    if (data_.tokens[id].text.empty()) data_.tokens[id].text = token.content;
  }
  byte_ids_.fill(-1);
  index_.reserve(data_.tokens.size());
  for (std::size_t id = 0; id < data_.tokens.size(); ++id) {
    const auto& [text, normal] = data_.tokens[id];
    if (!normal || text.empty() || !index_.emplace(text, static_cast<int>(id)).second) continue;
    if (data_.byte_level && text.size() == 1)
      byte_ids_[static_cast<unsigned char>(text[0])] = static_cast<int>(id);
    if (!data_.byte_level && data_.byte_fallback) {
      if (const auto byte = fallback_byte(text)) byte_ids_[*byte] = static_cast<int>(id);
    }
  }

  added_by_id_.assign(data_.tokens.size(), -1);
  std::vector<AddedToken> in_text, in_normalized;
  for (std::size_t i = 0; i < data_.added.size(); ++i) {
    AddedToken token = data_.added[i];
    added_by_id_[static_cast<std::size_t>(token.id)] = static_cast<int>(i);
    if (token.normalized) {
      for (const Normalizer& normalizer : data_.normalizers) token.content = normalizer(token.content);
    }
    (token.normalized ? in_normalized : in_text).push_back(std::move(token));
  }
  in_text_ = AddedTokens(std::move(in_text));
  in_normalized_ = AddedTokens(std::move(in_normalized));
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

TokenIds BpeTokenizer::encode(std::string_view text, bool parse_special) const {
  const std::string valid = valid_utf8(text);
  TokenIds ids;
  walk(
      valid, in_text_.find(valid, parse_special),
      [&](std::string_view plain, std::size_t begin) {
        encode_between(plain, begin == 0, parse_special, ids);
      },
      [&](int id) { ids.push_back(id); });
  return ids;
}

void BpeTokenizer::encode_between(std::string_view text, bool at_start, bool parse_special,
                                  TokenIds& ids) const {
  std::string normalized(text);
  for (const Normalizer& normalizer : data_.normalizers) normalized = normalizer(std::move(normalized));
  walk(
      normalized, in_normalized_.find(normalized, parse_special),
      [&](std::string_view plain, std::size_t begin) {
        encode_pieces(std::string(plain), at_start && begin == 0, ids);
      },
      [&](int id) { ids.push_back(id); });
}

void BpeTokenizer::encode_pieces(std::string text, bool at_start, TokenIds& ids) const {
  Pieces pieces{std::move(text), {}, at_start};
  pieces.spans.push_back({0, pieces.text.size()});
  for (const PreTokenizer& step : data_.pre_tokenizers) step(pieces);
  for (const Span& span : pieces.spans) {
    encode_piece(std::string_view(pieces.text).substr(span.begin, span.end - span.begin), ids);
  }
}

void BpeTokenizer::encode_piece(std::string_view piece, TokenIds& ids) const {
  if (data_.ignore_merges) {
    if (const auto whole = index_.find(piece); whole != index_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  std::vector<int> symbols = characters(piece);
  merges_.apply(symbols);
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
  if (const int added = added_by_id_[static_cast<std::size_t>(id)]; added >= 0) {
    return data_.added[static_cast<std::size_t>(added)].content;
  }
  std::string text = data_.tokens[static_cast<std::size_t>(id)].text;
  if (data_.byte_fallback) {
    if (const auto byte = fallback_byte(text)) return {static_cast<char>(*byte)};
  }
  for (const auto& [from, to] : data_.decoded) text = replace(from, to)(std::move(text));
  return text;
}

bool BpeTokenizer::is_special(int id) const {
  if (id < 0 || id >= vocab_size()) return false;
  const int added = added_by_id_[static_cast<std::size_t>(id)];
  return added >= 0 && data_.added[static_cast<std::size_t>(added)].special;
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
