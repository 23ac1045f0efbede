#include "core/text/tokenizer/pipeline_tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/fallback_byte.h"

namespace qkscope {

namespace {

std::unique_ptr<TextModel> make_model(BpeSettings& settings, const TokenIndex& index, Budget&) {
  return bpe_model(std::move(settings), index);
}

std::unique_ptr<TextModel> make_model(UnigramSettings& settings, const TokenIndex& index, Budget& budget) {
  return unigram_model(std::move(settings), index, budget);
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(TokenizerData data, Budget& budget) : data_(std::move(data)) {
  set_ends({std::nullopt, std::nullopt, data_.adds_bos, {}, data_.frame});
  set_name(budget.what());
  add_tokens_beside();
  index_.reserve(data_.tokens.size());
  for (const auto& [id, text, normal] : data_.tokens) {
    if (normal && !text.empty()) index_.emplace(text, id);
  }
  model_ = std::visit([&](auto& settings) { return make_model(settings, index_, budget); }, data_.model);
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

void PipelineTokenizer::add_tokens_beside() {
  std::ranges::sort(data_.tokens, {}, &TokenizerData::Token::id);
  std::vector<TokenizerData::Token> beside;
  for (std::size_t i = 0; i < data_.added.size(); ++i) {
    const AddedToken& added = data_.added[i];
    if (added_.insert_or_assign(added.id, static_cast<int>(i)).second && !token(added.id))
      beside.push_back({added.id, added.content, false});
  }
  data_.tokens.insert(data_.tokens.end(), std::make_move_iterator(beside.begin()),
                      std::make_move_iterator(beside.end()));
  std::ranges::sort(data_.tokens, {}, &TokenizerData::Token::id);
}

/// At once for all tokens: what a hostile decoder makes of one is then paid once, by who opens the file. They
/// are taken to stand inside a text, behind an unlike one.
void PipelineTokenizer::prepare_decoding(Budget& budget) {
  if (data_.decoders.empty() && !data_.decodes_bytes) return;
  decoded_.reserve(data_.tokens.size());
  const std::string before = "x";
  for (const TokenizerData::Token& token : data_.tokens)
    decoded_.push_back(decoded(token.text, &before, budget));
}

std::string PipelineTokenizer::decoded(const std::string& token, const std::string* before,
                                       Budget& budget) const {
  if (data_.decodes_bytes) {
    if (const auto byte = fallback_byte(token)) return {static_cast<char>(*byte)};
  }
  budget.charge(token.size());
  std::string text = token;
  std::optional<std::string> neighbour;
  if (before) neighbour = *before;
  for (const TokenDecoder& decoder : data_.decoders) {
    std::string next = decoder(std::move(text), neighbour ? &*neighbour : nullptr, budget);
    if (neighbour && data_.decodes_neighbours) {
      const std::string other;
      neighbour = decoder(*std::move(neighbour), &other, budget);
    }
    text = std::move(next);
  }
  return text;
}

const TokenizerData::Token* PipelineTokenizer::token(int id) const {
  const auto place = static_cast<std::size_t>(id);  // where no id is missing
  if (place < data_.tokens.size() && data_.tokens[place].id == id) return &data_.tokens[place];
  const auto found = std::ranges::lower_bound(data_.tokens, id, {}, &TokenizerData::Token::id);
  return found != data_.tokens.end() && found->id == id ? &*found : nullptr;
}

const AddedToken* PipelineTokenizer::added(int id) const {
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

TokenIds PipelineTokenizer::encode(std::string_view text, bool parse_special, Budget& budget) const {
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

void PipelineTokenizer::encode_between(std::string_view text, bool at_start, bool parse_special,
                                       TokenIds& ids, Budget& budget) const {
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

void PipelineTokenizer::encode_pieces(std::string text, bool at_start, TokenIds& ids, Budget& budget) const {
  budget.charge(text.size() + sizeof(Span));
  Pieces pieces{std::move(text), {}, at_start};
  pieces.spans.push_back({0, pieces.text.size()});
  for (const PreTokenizer& step : data_.pre_tokenizers) step(pieces, budget);
  for (const Span& span : pieces.spans) {
    const auto piece = std::string_view(pieces.text).substr(span.begin, span.end - span.begin);
    if (!piece.empty()) model_->encode(piece, ids, budget);
  }
  budget.refund(pieces.text.size() + pieces.spans.size() * sizeof(Span));
}

std::string PipelineTokenizer::piece_bytes(int id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error("token id " + std::to_string(id) + " is not in the vocabulary, which has " +
                std::to_string(vocab_size()) + " tokens");
  }
  if (const AddedToken* special = added(id)) return special->content;
  const TokenizerData::Token* found = token(id);
  if (!found) return {};
  return decoded_.empty() ? found->text : decoded_[static_cast<std::size_t>(found - data_.tokens.data())];
}

std::string PipelineTokenizer::text_bytes(int id, std::optional<int> before) const {
  const TokenizerData::Token* found = token(id);
  if (!found || data_.decoders.empty() || (before && !data_.decodes_neighbours && !added(id)))
    return piece_bytes(id);
  const TokenizerData::Token* neighbour = before ? token(*before) : nullptr;
  Budget budget(name());
  return decoded(found->text, neighbour ? &neighbour->text : nullptr, budget);
}

bool PipelineTokenizer::is_special(int id) const {
  const AddedToken* found = added(id);
  return found && found->special;
}

std::optional<int> PipelineTokenizer::find(std::string_view token) const {
  for (const AddedToken& added : data_.added) {
    if (added.content == token) return added.id;
  }
  if (const auto found = index_.find(token); found != index_.end()) return found->second;
  return std::nullopt;
}

}  // namespace qkscope
