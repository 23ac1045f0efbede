#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/array.h"
#include "core/base/budget.h"

namespace qkscope {

/// One piece of a sentencepiece vocabulary.
struct Piece {
  /// The numbers are those of sentencepiece_model.proto and of GGUF.
  enum Type { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
  std::string text;  // U+2581 stands for a space
  float score = 0.0F;
  Type type = Normal;
};

/// Cuts a text into the pieces of a sentencepiece vocabulary. Immutable and thread-safe.
class PieceModel {
 public:
  virtual ~PieceModel() = default;

  const std::vector<Piece>& pieces() const { return pieces_; }  // by id
  std::optional<int> bos() const { return bos_; }
  std::optional<int> eos() const { return eos_; }
  std::optional<int> unknown() const { return unknown_; }
  /// Adds the ids of `text` (well-formed UTF-8), which gets a space in front where the model wants one and
  /// `with_space`. Control pieces are not looked for.
  virtual void encode(std::string_view text, bool with_space, TokenIds& ids, Budget& budget) const = 0;

 protected:
  std::vector<Piece> pieces_;
  std::optional<int> bos_, eos_, unknown_;
};

/// The model in a tokenizer.model, a serialized ModelProto, run by the library sentencepiece. Throws Error
/// starting with `where`.
std::unique_ptr<PieceModel> library_piece_model(const std::string& proto, const std::string& where);

/// What a GGUF file keeps of a sentencepiece model of the kind BPE: pieces and scores. Nothing is refused:
/// what is odd in a vocabulary plays no part in the texts that do not need it.
struct ScoredPieces {
  std::vector<Piece> pieces;
  bool dummy_space = true;               // a space in front of every text
  std::optional<int> bos, eos, unknown;  // where the file says them
};
std::unique_ptr<PieceModel> scored_piece_model(ScoredPieces data, Budget& budget);

}  // namespace qkscope
