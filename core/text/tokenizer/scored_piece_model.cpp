#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "core/base/utf8.h"
#include "core/text/tokenizer/added_tokens.h"
#include "core/text/tokenizer/fallback_byte.h"
#include "core/text/tokenizer/piece_model.h"
#include "core/text/tokenizer/text_steps.h"

namespace qkscope {
namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";

/// A stretch of the text and its living neighbours; -1 at the ends.
struct Symbol {
  Span span;
  std::int32_t previous = -1;
  std::int32_t next = -1;
  bool frozen = false;  // a user-defined piece, which joins nothing
};

/// Two neighbours that make a piece. The best is the one of the highest score, the leftmost of several.
struct Candidate {
  float score = 0.0F;
  std::int32_t left = 0;
  std::size_t size = 0;  // of both, in bytes: another one says that a merge came in between
  bool operator<(const Candidate& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

/// sentencepiece's encoder (src/bpe_model.cc) for pieces and scores.
class ScoredPieceModel : public PieceModel {
 public:
  ScoredPieceModel(ScoredPieces data, Budget& budget) : dummy_space_(data.dummy_space) {
    pieces_ = std::move(data.pieces);
    bos_ = data.bos;
    eos_ = data.eos;
    unknown_ = data.unknown;
    byte_ids_.fill(-1);
    const bool bytes_typed =
        std::ranges::any_of(pieces_, [](const Piece& piece) { return piece.type == Piece::Byte; });
    std::vector<AddedToken> user_defined;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      budget.step();
      Piece& piece = pieces_[i];
      if (std::isnan(piece.score)) piece.score = std::numeric_limits<float>::lowest();
      const int id = static_cast<int>(i);
      const auto byte = fallback_byte(piece.text);
      if (byte && !bytes_typed && piece.type == Piece::Normal) piece.type = Piece::Byte;
      if (piece.type == Piece::Byte && !byte) piece.type = Piece::Normal;
      if (piece.type == Piece::Byte) {
        byte_ids_[*byte] = id;
      } else if (piece.type == Piece::Unknown && !unknown_) {
        unknown_ = id;
      } else if (piece.type == Piece::Control) {
        if (!bos_ && piece.text == "<s>") bos_ = id;
        if (!eos_ && piece.text == "</s>") eos_ = id;
      } else if (piece.type != Piece::Unknown) {
        index_.insert_or_assign(piece.text, id);
        longest_ = std::max(longest_, piece.text.size());
        if (piece.type == Piece::UserDefined) user_defined.push_back({.id = id, .content = piece.text});
      }
    }
    // As llama.cpp where no piece is typed so; its vocabularies have it in front.
    if (!unknown_ && !pieces_.empty()) {
      const auto named = std::ranges::find(pieces_, "<unk>", &Piece::text);
      unknown_ = named == pieces_.end() ? 0 : static_cast<int>(named - pieces_.begin());
    }
    user_defined_ = AddedTokens(std::move(user_defined));
  }

  void encode(std::string_view text, bool with_space, TokenIds& ids, Budget& budget) const override {
    if (text.empty()) return;
    std::string marked = (with_space && dummy_space_ ? " " : "") + std::string(text);
    budget.charge(marked.size());
    marked = to_mark_(std::move(marked), budget);
    const Charge held(budget, marked.size() * (sizeof(Symbol) + 3 * sizeof(Candidate)));
    std::vector<Symbol> symbols = cut(marked, budget);
    std::unordered_map<std::string_view, std::size_t> unused;
    merge(marked, symbols, unused, budget);
    bool after_unknown = false;
    for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
      const Span& span = symbols[static_cast<std::size_t>(i)].span;
      put(std::string_view(marked).substr(span.begin, span.end - span.begin), unused, after_unknown, ids,
          budget);
    }
    budget.refund(marked.size());
  }

 private:
  /// Characters, and the user-defined pieces between them.
  std::vector<Symbol> cut(std::string_view text, Budget& budget) const {
    std::vector<Symbol> symbols;
    const auto add = [&](Span span, bool frozen) {
      const auto place = static_cast<std::int32_t>(symbols.size());
      if (place > 0) symbols.back().next = place;
      symbols.push_back({span, place - 1, -1, frozen});
    };
    const auto add_characters = [&](std::size_t from, std::size_t end) {
      for (std::size_t length = 0; from < end; from += length) {
        length = character_length(text.substr(from));
        add({from, from + length}, false);
      }
    };
    std::size_t done = 0;
    for (const AddedTokens::Match& match : user_defined_.find(text, true, budget)) {
      add_characters(done, match.span.begin);
      add(match.span, true);
      done = match.span.end;
    }
    add_characters(done, text.size());
    return symbols;
  }

  void merge(std::string_view text, std::vector<Symbol>& symbols,
             std::unordered_map<std::string_view, std::size_t>& unused, Budget& budget) const {
    std::vector<Candidate> heap;
    const auto consider = [&](std::int32_t at) {
      if (at < 0) return;
      const Symbol& left = symbols[static_cast<std::size_t>(at)];
      if (left.next < 0 || left.frozen) return;
      const Symbol& right = symbols[static_cast<std::size_t>(left.next)];
      const std::size_t size = right.span.end - left.span.begin;
      if (right.frozen || size > longest_) return;
      budget.step(1 + size / 64);
      const std::string_view joined = text.substr(left.span.begin, size);
      const auto found = index_.find(joined);
      if (found == index_.end()) return;
      const Piece& piece = pieces_[static_cast<std::size_t>(found->second)];
      if (piece.type == Piece::Unused) unused[joined] = left.span.end - left.span.begin;
      heap.push_back({piece.score, at, size});
      std::push_heap(heap.begin(), heap.end());
    };
    for (std::size_t i = 0; i < symbols.size(); ++i) consider(static_cast<std::int32_t>(i));
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate best = heap.back();
      heap.pop_back();
      budget.step();
      Symbol& left = symbols[static_cast<std::size_t>(best.left)];
      if (left.span.begin == left.span.end || left.next < 0) continue;
      Symbol& right = symbols[static_cast<std::size_t>(left.next)];
      if (right.span.end - left.span.begin != best.size) continue;
      left.span.end = right.span.end;
      right.span.begin = right.span.end;  // swallowed
      left.next = right.next;
      if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = best.left;
      consider(left.previous);
      consider(best.left);
    }
  }

  /// An unused piece is taken apart again as it was put together.
  void put(std::string_view text, const std::unordered_map<std::string_view, std::size_t>& unused,
           bool& after_unknown, TokenIds& ids, Budget& budget) const {
    std::vector<std::string_view> parts = {text};
    while (!parts.empty()) {
      const std::string_view part = parts.back();
      parts.pop_back();
      const auto found = index_.find(part);
      const bool is_unused =
          found != index_.end() && pieces_[static_cast<std::size_t>(found->second)].type == Piece::Unused;
      if (const auto cut = is_unused ? unused.find(part) : unused.end(); cut != unused.end()) {
        budget.step();
        parts.push_back(part.substr(cut->second));
        parts.push_back(part.substr(0, cut->second));
        continue;
      }
      put_known(part, found == index_.end() ? -1 : found->second, after_unknown, ids);
      budget.charge(sizeof(int));
    }
  }

  /// A text without a piece becomes its bytes, or where these have no pieces one unknown in a row.
  void put_known(std::string_view text, int id, bool& after_unknown, TokenIds& ids) const {
    const auto byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (id >= 0) {
      ids.push_back(id);
    } else if (std::ranges::all_of(text, [&](char c) { return byte_id(c) >= 0; })) {
      for (const char c : text) ids.push_back(byte_id(c));
    } else if (unknown_) {
      if (!after_unknown) ids.push_back(*unknown_);
      after_unknown = true;
      return;
    }
    after_unknown = false;
  }

  bool dummy_space_ = true;
  std::unordered_map<std::string_view, int> index_;  // pieces that a text can be made of
  std::size_t longest_ = 0;                          // of these, in bytes
  std::array<int, 256> byte_ids_{};                  // -1 for none
  AddedTokens user_defined_;
  Normalizer to_mark_ = replace(Pattern::literal(" "), std::string(space_mark));
};

}  // namespace

std::unique_ptr<PieceModel> scored_piece_model(ScoredPieces data, Budget& budget) {
  return std::make_unique<ScoredPieceModel>(std::move(data), budget);
}

}  // namespace qkscope
