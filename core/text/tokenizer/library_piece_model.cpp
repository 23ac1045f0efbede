#include <sentencepiece_processor.h>

#include <exception>
#include <new>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/tokenizer/piece_model.h"

namespace qkscope {
namespace {

using sentencepiece::SentencePieceProcessor;

/// ModelProto.normalizer_spec.add_dummy_prefix = false; protocol buffers let what comes last win, field by
/// field.
constexpr std::string_view no_dummy_space("\x1A\x02\x18\x00", 4);

/// What the library says, which may quote a piece that is no UTF-8.
std::string words_of(const sentencepiece::util::Status& status) {
  return valid_utf8(status.ToString());
}

void load(SentencePieceProcessor& processor, std::string_view proto, const std::string& where) {
  std::string problem;
  try {
    const auto status = processor.LoadFromSerializedProto({proto.data(), proto.size()});
    if (!status.ok()) problem = words_of(status);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& thrown) {  // by its tries, at a piece that begins with a zero
    problem = valid_utf8(thrown.what());
  }
  if (!problem.empty()) throw Error(where + " is not a sentencepiece model: " + problem);
}

class LibraryPieceModel : public PieceModel {
 public:
  LibraryPieceModel(const std::string& proto, const std::string& where) {
    load(processor_, proto, where);
    load(without_space_, proto + std::string(no_dummy_space), where);
    for (int id = 0; id < processor_.GetPieceSize(); ++id) {
      Piece piece{processor_.IdToPiece(id), processor_.GetScore(id), Piece::Normal};
      if (processor_.IsUnknown(id)) piece.type = Piece::Unknown;
      if (processor_.IsControl(id)) piece.type = Piece::Control;
      if (processor_.IsUnused(id)) piece.type = Piece::Unused;
      if (processor_.IsByte(id)) piece.type = Piece::Byte;
      pieces_.push_back(std::move(piece));
    }
    const auto named = [](int id) { return id < 0 ? std::nullopt : std::optional<int>(id); };
    bos_ = named(processor_.bos_id());
    eos_ = named(processor_.eos_id());
    unknown_ = named(processor_.unk_id());
  }

  void encode(std::string_view text, bool with_space, TokenIds& ids, Budget& budget) const override {
    // The library keeps its pieces and their neighbours: measured below 200 bytes a byte of text.
    const Charge held(budget, text.size() * 200);
    budget.step(1 + text.size());
    std::vector<int> found;
    const auto status = (with_space ? processor_ : without_space_).Encode({text.data(), text.size()}, &found);
    if (!status.ok()) throw Error("sentencepiece failed on a text: " + words_of(status));
    ids.insert(ids.end(), found.begin(), found.end());
  }

 private:
  SentencePieceProcessor processor_;
  SentencePieceProcessor without_space_;  // the same model, no dummy space
};

}  // namespace

std::unique_ptr<PieceModel> library_piece_model(const std::string& proto, const std::string& where) {
  return std::make_unique<LibraryPieceModel>(proto, where);
}

}  // namespace qkscope
