#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/text/tokenizer/added_vocabulary.h"
#include "core/text/tokenizer/bpe_model.h"
#include "core/text/tokenizer/ended_tokenizer.h"
#include "core/text/tokenizer/text_steps.h"
#include "core/text/tokenizer/unigram_model.h"

namespace qkscope {

/// What is done to a token to make text of it: one step of a tokenizer.json's "decoder". `before` is the
/// token in front of it as this step found it; null at the start of a text.
using TokenDecoder = std::function<std::string(std::string token, const std::string* before, Budget&)>;

/// All there is to a tokenizer, whatever files it came from.
struct TokenizerData {
  struct Token {
    int id = -1;
    std::string text;     // byte-level: the bytes it stands for; else characters
    bool normal = false;  // the model itself can produce it
  };
  std::string kind;           // for the model card
  std::vector<Token> tokens;  // no id twice; some may be missing, however many
  std::variant<BpeSettings, UnigramSettings> model;
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  bool adds_bos = false;  // unless a file says otherwise
  TextFrame frame;        // of a tokenizer.json

  std::vector<TokenDecoder> decoders;
  bool decodes_bytes = false;       // "<0xE6>" becomes that byte
  bool decodes_neighbours = false;  // what a token becomes depends on the one before it
  bool strips_space = false;        // decode drops one space at the start
};

/// Hugging Face's pipeline: added tokens, normalizers, pre-tokenizers, a model, decoders.
class PipelineTokenizer : public EndedTokenizer {
 public:
  PipelineTokenizer(TokenizerData data, Budget& budget);
  PipelineTokenizer(const PipelineTokenizer&) = delete;
  PipelineTokenizer& operator=(const PipelineTokenizer&) = delete;

  std::string kind() const override { return data_.kind; }
  int vocab_size() const override { return data_.tokens.empty() ? 0 : data_.tokens.back().id + 1; }
  using Tokenizer::encode;
  TokenIds encode(std::string_view text, bool parse_special, Budget& budget) const override;
  std::string piece_bytes(int id) const override;
  std::string text_bytes(int id, std::optional<int> before) const override;
  bool is_special(int id) const override;
  std::optional<int> find(std::string_view token) const override;
  bool strips_leading_space() const override { return data_.strips_space; }

 private:
  void encode_between(std::string_view text, bool at_start, bool parse_special, TokenIds& ids,
                      Budget& budget) const;
  void encode_pieces(std::string text, bool at_start, TokenIds& ids, Budget& budget) const;
  void add_tokens_beside();
  void prepare_decoding(Budget& budget);
  std::string decoded(const std::string& token, const std::string* before, Budget& budget) const;
  const TokenizerData::Token* token(int id) const;
  const AddedToken* added(int id) const;

  TokenizerData data_;  // tokens in the order of their ids
  TokenIndex index_;    // normal tokens by text
  std::unique_ptr<TextModel> model_;
  std::unordered_map<int, int> added_;  // indices into data_.added by id
  std::vector<std::string> decoded_;    // what each of data_.tokens is in a text, where that is not its own
  AddedTokens in_text_;                 // those looked for before normalization
  AddedTokens in_normalized_;           // and after
};

}  // namespace qkscope
