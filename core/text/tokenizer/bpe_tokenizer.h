#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/text/tokenizer/added_vocabulary.h"
#include "core/text/tokenizer/bpe_merges.h"
#include "core/text/tokenizer/ended_tokenizer.h"
#include "core/text/tokenizer/text_steps.h"

namespace qkscope {

/// All there is to a byte pair encoding, whatever files it came from.
struct BpeData {
  struct Token {
    int id = -1;
    std::string text;     // byte-level: the bytes it stands for; else characters
    bool normal = false;  // the model itself can produce it
  };
  std::string kind;           // for the model card
  std::vector<Token> tokens;  // no id twice; some may be missing, however many
  std::vector<BpeMerge> merges;
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  bool adds_bos = false;  // unless a file says otherwise
  TextFrame frame;        // of a tokenizer.json

  bool byte_level = true;      // begins with bytes; else with characters
  bool ignore_merges = false;  // a stretch that is a token is that token, whatever the merges say
  // Not byte-level only:
  bool byte_fallback = false;        // a character without a token becomes its bytes, "<0xE6>" each
  std::optional<int> unknown;        // else it becomes this, or nothing
  bool fuse_unknown = false;         // several in a row become one
  std::vector<Normalizer> decoders;  // what is done to a token to make text
  bool strips_space = false;         // decode drops one space at the start
};

/// Byte pair encoding behind Hugging Face's normalizers, pre-tokenizers and added tokens.
class BpeTokenizer : public EndedTokenizer {
 public:
  BpeTokenizer(BpeData data, Budget& budget);

  std::string kind() const override { return data_.kind; }
  int vocab_size() const override { return data_.tokens.empty() ? 0 : data_.tokens.back().id + 1; }
  using Tokenizer::encode;
  TokenIds encode(std::string_view text, bool parse_special, Budget& budget) const override;
  std::string piece_bytes(int id) const override;
  bool is_special(int id) const override;
  std::optional<int> find(std::string_view token) const override;
  bool strips_leading_space() const override { return data_.strips_space; }

 private:
  void encode_between(std::string_view text, bool at_start, bool parse_special, TokenIds& ids,
                      Budget& budget) const;
  void encode_pieces(std::string text, bool at_start, TokenIds& ids, Budget& budget) const;
  void encode_piece(std::string_view piece, TokenIds& ids, Budget& budget) const;
  std::vector<int> characters(std::string_view piece) const;
  void add_tokens_beside();
  void prepare_decoding(Budget& budget);
  const BpeData::Token* token(int id) const;
  const AddedToken* added(int id) const;

  BpeData data_;  // tokens in the order of their ids
  BpeMerges merges_;
  TokenIndex index_;                    // normal tokens by text
  std::array<int, 256> byte_ids_{};     // of the one-byte tokens, or of "<0xE6>"; -1 for none
  std::unordered_map<int, int> added_;  // indices into data_.added by id
  std::vector<std::string> decoded_;    // what each of data_.tokens is in a text, where that is not its own
  AddedTokens in_text_;                 // those looked for before normalization
  AddedTokens in_normalized_;           // and after
};

/// The merges that a file writes as pairs of token texts, as ids. Throws Error naming `where` and the merge
/// where one of the three tokens is not in `index`.
class MergeList {
 public:
  MergeList(const TokenIndex& index, std::string where) : index_(index), where_(std::move(where)) {}
  /// "left right"
  void add(std::string_view line);
  void add(std::string_view left, std::string_view right);
  std::vector<BpeMerge> take() { return std::move(merges_); }

 private:
  int id(std::string_view token, std::string_view left, std::string_view right) const;

  const TokenIndex& index_;
  std::string where_;
  std::vector<BpeMerge> merges_;
  std::string joined_;
};

}  // namespace qkscope
