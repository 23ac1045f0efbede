#include "core/text/tokenizer/bpe_model.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/text/tokenizer/fallback_byte.h"

namespace qkscope {
namespace {

class BpeModel : public TextModel {
 public:
  BpeModel(BpeSettings settings, const TokenIndex& index)
      : settings_(std::move(settings)), merges_(settings_.merges), index_(index) {
    settings_.merges = {};
    byte_ids_.fill(-1);
    for (const auto& [text, id] : index_) {
      if (settings_.byte_level && text.size() == 1) byte_ids_[static_cast<unsigned char>(text[0])] = id;
      if (!settings_.byte_level && settings_.byte_fallback) {
        if (const auto byte = fallback_byte(text)) byte_ids_[*byte] = id;
      }
    }
  }

  void encode(std::string_view piece, TokenIds& ids, Budget& budget) const override {
    budget.step(1 + piece.size() / 16);
    if (settings_.ignore_merges) {
      if (const auto whole = index_.find(piece); whole != index_.end()) {
        ids.push_back(whole->second);
        return;
      }
    }
    const Charge held(budget, piece.size() * sizeof(int));
    std::vector<int> symbols = settings_.byte_level ? bytes(piece) : characters(piece);
    merges_.apply(symbols, budget);
    budget.charge(symbols.size() * sizeof(int));  // in `ids`, to the end
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  }

 private:
  /// The ids that a stretch begins with. What has none, where there is no unknown token either, leaves no
  /// trace, as in Hugging Face's tokenizers.
  class Symbols {
   public:
    Symbols(const BpeSettings& settings, std::size_t most) : settings_(settings) { ids_.reserve(most); }
    void add(int id) {
      if (std::exchange(waits_, false)) ids_.push_back(*settings_.unknown);
      ids_.push_back(id);
    }
    /// Behind an unknown character that no known one follows yet.
    void add_byte(int id) { ids_.push_back(id); }
    void add_unknown() {
      if (!settings_.unknown) return;
      if (waits_ && !settings_.fuse_unknown) ids_.push_back(*settings_.unknown);
      waits_ = true;
    }
    std::vector<int> take() {
      if (waits_) ids_.push_back(*settings_.unknown);
      return std::move(ids_);
    }

   private:
    const BpeSettings& settings_;
    std::vector<int> ids_;
    bool waits_ = false;  // an unknown token, put down when a known character or the end follows
  };

  std::vector<int> bytes(std::string_view piece) const {
    Symbols symbols(settings_, piece.size());
    for (const char c : piece) {
      if (const int id = byte_id(c); id >= 0) {
        symbols.add(id);
      } else {
        symbols.add_unknown();
      }
    }
    return symbols.take();
  }

  std::vector<int> characters(std::string_view piece) const {
    Symbols symbols(settings_, piece.size());
    std::string affixed;
    for (std::size_t at = 0, length = 0; at < piece.size(); at += length) {
      length = character_length(piece.substr(at));
      std::string_view character = piece.substr(at, length);
      const bool has_prefix = at > 0 && !settings_.prefix.empty();
      const bool has_suffix = at + length == piece.size() && !settings_.suffix.empty();
      if (has_prefix || has_suffix) {
        affixed = (has_prefix ? settings_.prefix : "") + std::string(character) +
                  (has_suffix ? settings_.suffix : "");
        character = affixed;
      }
      if (const auto found = index_.find(character); found != index_.end()) {
        symbols.add(found->second);
      } else if (settings_.byte_fallback &&
                 std::ranges::all_of(character, [&](char c) { return byte_id(c) >= 0; })) {
        for (const char c : character) symbols.add_byte(byte_id(c));
      } else {
        symbols.add_unknown();
      }
    }
    return symbols.take();
  }

  int byte_id(char c) const { return byte_ids_[static_cast<unsigned char>(c)]; }

  BpeSettings settings_;
  BpeMerges merges_;
  const TokenIndex& index_;
  std::array<int, 256> byte_ids_{};  // of the one-byte tokens, or of "<0xE6>"; -1 for none
};

}  // namespace

std::unique_ptr<TextModel> bpe_model(BpeSettings settings, const TokenIndex& index) {
  return std::make_unique<BpeModel>(std::move(settings), index);
}

void MergeList::add(std::string_view line) {
  const std::size_t space = line.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == line.size()) {
    throw Error("merge " + std::to_string(merges_.size() + 1) + " of " + where_ + " is " + in_quotes(line) +
                ", expected two tokens with a space between them");
  }
  add(line.substr(0, space), line.substr(space + 1));
}

void MergeList::add(std::string_view left, std::string_view right) {
  joined_.assign(left).append(right.substr(std::min(prefix_.size(), right.size())));
  merges_.push_back({id(left, left, right), id(right, left, right), id(joined_, left, right)});
}

int MergeList::id(std::string_view token, std::string_view left, std::string_view right) const {
  const auto found = index_.find(token);
  if (found != index_.end()) return found->second;
  throw Error("merge " + std::to_string(merges_.size() + 1) + " of " + where_ + " joins " + in_quotes(left) +
              " and " + in_quotes(right) + ", but the vocabulary has no token " + in_quotes(token));
}

}  // namespace qkscope
