#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/tokenizer/added_vocabulary.h"
#include "core/text/tokenizer/ended_tokenizer.h"
#include "core/text/tokenizer/piece_model.h"

namespace qkscope {

/// A sentencepiece model and the special tokens around it.
class SentencePieceTokenizer : public EndedTokenizer {
 public:
  /// Takes bos and eos from the model, and adds bos as Llama does. `side` comes beside the model's own
  /// control tokens; `space_after_special` says whether a stretch after a special token gets a dummy space in
  /// front too ("legacy" in Hugging Face's files).
  SentencePieceTokenizer(std::unique_ptr<PieceModel> model, const SideTokens& side, bool space_after_special,
                         Budget& budget);

  std::string kind() const override { return "sentencepiece"; }
  int vocab_size() const override { return static_cast<int>(tokens_.size()); }
  using Tokenizer::encode;
  TokenIds encode(std::string_view text, bool parse_special, Budget& budget) const override;
  std::string piece_bytes(int id) const override;
  bool is_special(int id) const override;
  std::optional<int> find(std::string_view token) const override;
  bool strips_leading_space() const override { return adds_space_; }

 private:
  struct Token {
    std::string bytes;
    bool special = false;
  };

  std::unique_ptr<PieceModel> model_;
  std::vector<Token> tokens_;                       // by id
  std::unordered_map<std::string, int> added_ids_;  // by text
  TokenIndex index_;                                // the model's pieces
  AddedTokens added_;
  bool space_after_special_ = true;
  bool adds_space_ = false;
};

}  // namespace qkscope
