#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/model/tokenizer/added_vocabulary.h"
#include "core/model/tokenizer/ended_tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace qkscope {

/// A sentencepiece model and the added tokens around it.
struct SentencePieceData {
  std::string model;  // a serialized ModelProto: what tokenizer.model holds
  SideTokens side;    // beside the model's own control tokens
  /// Whether a stretch after a special token gets a dummy space in front too ("legacy" in Hugging Face's
  /// files).
  bool space_after_special = true;
};

class SentencePieceTokenizer : public EndedTokenizer {
 public:
  /// Takes bos and eos from the model, and adds bos as Llama does. Throws Error starting with `where`.
  SentencePieceTokenizer(SentencePieceData data, const std::string& where);
  ~SentencePieceTokenizer() override;

  std::string kind() const override { return "sentencepiece"; }
  int vocab_size() const override { return static_cast<int>(pieces_.size()); }
  TokenIds encode(std::string_view text, bool parse_special) const override;
  std::string piece_bytes(int id) const override;
  bool is_special(int id) const override;
  std::optional<int> find(std::string_view token) const override;
  bool strips_leading_space() const override { return adds_space_; }

 private:
  struct Piece {
    std::string bytes;
    bool special = false;
  };
  void encode_plain(std::string_view text, bool with_space, TokenIds& ids) const;

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> without_space_;  // the same model, no dummy space
  std::vector<Piece> pieces_;                                             // by id
  std::unordered_map<std::string, int> added_ids_;
  AddedTokens added_;
  bool space_after_special_ = true;
  bool adds_space_ = false;
};

/// One piece of a sentencepiece vocabulary; `type` by sentencepiece_model.proto: 1 normal, 2 unknown, 3
/// control, 4 user-defined, 5 unused, 6 byte.
struct SentencePiece {
  std::string_view text;
  float score = 0.0F;
  int type = 1;
};

/// A serialized ModelProto of type BPE with these pieces and no normalization (sentencepiece_model.proto):
/// what GGUF converters took apart.
std::string sentencepiece_model(std::span<const SentencePiece> pieces, bool dummy_space);

}  // namespace qkscope
