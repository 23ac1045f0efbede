#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/model/tokenizer/added_vocabulary.h"
#include "core/model/tokenizer/bpe_merges.h"
#include "core/model/tokenizer/ended_tokenizer.h"
#include "core/model/tokenizer/text_steps.h"

namespace qkscope {

/// All there is to a byte pair encoding, whatever files it came from.
struct BpeData {
  struct Token {
    std::string text;     // byte-level: the bytes it stands for; else characters. Empty: no token has this id
    bool normal = false;  // the model itself can produce it
  };
  std::string kind;           // for the model card
  std::vector<Token> tokens;  // by id
  std::vector<BpeMerge> merges;
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  bool adds_bos = false;  // as far as these files tell

  bool byte_level = true;      // begins with bytes; else with characters
  bool ignore_merges = false;  // a stretch that is a token is that token, whatever the merges say
  // Not byte-level only:
  bool byte_fallback = false;  // a character without a token becomes its bytes, "<0xE6>" each
  std::optional<int> unknown;  // else it becomes this, or nothing
  bool fuse_unknown = false;   // several in a row become one
  std::vector<std::pair<std::string, std::string>> decoded;  // what is replaced in a token to make text
  bool strips_space = false;                                 // decode drops one space at the start
};

/// Byte pair encoding behind Hugging Face's normalizers, pre-tokenizers and added tokens.
class BpeTokenizer : public EndedTokenizer {
 public:
  explicit BpeTokenizer(BpeData data);

  std::string kind() const override { return data_.kind; }
  int vocab_size() const override { return static_cast<int>(data_.tokens.size()); }
  TokenIds encode(std::string_view text, bool parse_special) const override;
  std::string piece_bytes(int id) const override;
  bool is_special(int id) const override;
  std::optional<int> find(std::string_view token) const override;
  bool strips_leading_space() const override { return data_.strips_space; }

 private:
  void encode_between(std::string_view text, bool at_start, bool parse_special, TokenIds& ids) const;
  void encode_pieces(std::string text, bool at_start, TokenIds& ids) const;
  void encode_piece(std::string_view piece, TokenIds& ids) const;
  std::vector<int> characters(std::string_view piece) const;

  BpeData data_;
  BpeMerges merges_;
  TokenIndex index_;                 // normal tokens by text
  std::array<int, 256> byte_ids_{};  // of the one-byte tokens, or of "<0xE6>"; -1 for none
  std::vector<int> added_by_id_;     // index into data_.added; -1: not an added token
  AddedTokens in_text_;              // those looked for before normalization
  AddedTokens in_normalized_;        // and after
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
