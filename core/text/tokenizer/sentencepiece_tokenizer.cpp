#include "core/text/tokenizer/sentencepiece_tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/tokenizer/fallback_byte.h"
#include "core/text/tokenizer/text_steps.h"

namespace qkscope {

SentencePieceTokenizer::SentencePieceTokenizer(std::unique_ptr<PieceModel> model, const SideTokens& side,
                                               bool space_after_special, Budget& budget)
    : model_(std::move(model)), space_after_special_(space_after_special) {
  set_name(budget.what());
  const std::string space_mark = "\xE2\x96\x81";  // U+2581 stands for a space
  const Normalizer to_space = replace(Pattern::literal(space_mark), " ");
  std::vector<AddedToken> in_text;
  for (const Piece& piece : model_->pieces()) {
    const int id = static_cast<int>(tokens_.size());
    index_.insert_or_assign(piece.text, id);
    const auto byte = piece.type == Piece::Byte ? fallback_byte(piece.text) : std::nullopt;
    if (piece.type == Piece::Control || piece.type == Piece::Unknown || id == model_->unknown()) {
      tokens_.push_back({piece.text, true});
      in_text.push_back({.id = id, .content = piece.text, .special = true});
    } else if (byte) {
      tokens_.push_back({std::string(1, static_cast<char>(*byte)), false});
    } else {
      budget.charge(piece.text.size());
      tokens_.push_back({to_space(piece.text, budget), false});
    }
  }
  AddedVocabulary beside(index_);
  beside.add(side);
  // What the files beside the model say of a token wins over the model.
  for (AddedToken& token : beside.take()) {
    std::erase_if(in_text, [&](const AddedToken& old) { return old.id == token.id; });
    const auto place = static_cast<std::size_t>(token.id);
    if (tokens_.size() <= place) tokens_.resize(place + 1);
    tokens_[place] = {token.content, token.special};
    in_text.push_back(std::move(token));
  }
  for (const AddedToken& token : in_text) added_ids_.emplace(token.content, token.id);
  added_ = AddedTokens(std::move(in_text));

  TextEnds ends{model_->bos(), model_->eos(), true, {}, {}};
  for (const auto& [name, id] : {std::pair{"bos_token", model_->bos()}, std::pair{"eos_token", model_->eos()},
                                 std::pair{"unk_token", model_->unknown()}}) {
    if (id) ends.names[name] = model_->pieces()[static_cast<std::size_t>(*id)].text;
  }
  set_ends(std::move(ends));
  TokenIds probe;
  model_->encode("a", true, probe, budget);
  adds_space_ = !probe.empty() && tokens_[static_cast<std::size_t>(probe.front())].bytes.starts_with(' ');
}

TokenIds SentencePieceTokenizer::encode(std::string_view text, bool parse_special, Budget& budget) const {
  const Charge held(budget, text.size());
  const std::string valid = valid_utf8(text);
  TokenIds ids;
  std::size_t done = 0;
  const auto plain = [&](std::size_t end) {
    if (done >= end) return;
    model_->encode(std::string_view(valid).substr(done, end - done), done == 0 || space_after_special_, ids,
                   budget);
  };
  for (const AddedTokens::Match& match : added_.find(valid, parse_special, budget)) {
    plain(match.span.begin);
    ids.push_back(match.id);
    done = match.span.end;
  }
  plain(valid.size());
  return ids;
}

std::string SentencePieceTokenizer::piece_bytes(int id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error("token id " + std::to_string(id) + " is not in the vocabulary, which has " +
                std::to_string(vocab_size()) + " tokens");
  }
  return tokens_[static_cast<std::size_t>(id)].bytes;
}

bool SentencePieceTokenizer::is_special(int id) const {
  return id >= 0 && id < vocab_size() && tokens_[static_cast<std::size_t>(id)].special;
}

std::optional<int> SentencePieceTokenizer::find(std::string_view token) const {
  if (const auto added = added_ids_.find(std::string(token)); added != added_ids_.end()) return added->second;
  if (const auto found = index_.find(token); found != index_.end()) return found->second;
  return std::nullopt;
}

}  // namespace qkscope
