#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/tokenizer/bpe_merges.h"
#include "core/text/tokenizer/text_model.h"

namespace qkscope {

/// A byte pair encoding without its vocabulary.
struct BpeSettings {
  std::vector<BpeMerge> merges = {};
  bool byte_level = true;           // begins with bytes; else with characters
  bool ignore_merges = false;       // a stretch that is a token is that token, whatever the merges say
  std::optional<int> unknown = {};  // what has no token becomes this, or nothing
  bool fuse_unknown = false;        // several in a row become one
  // Not byte-level only:
  bool byte_fallback = false;            // a character without a token becomes its bytes, "<0xE6>" each
  std::string prefix = {}, suffix = {};  // of all characters but a stretch's first; of its last one
};

/// tokenizers/src/models/bpe/model.rs. `index` outlives it.
std::unique_ptr<TextModel> bpe_model(BpeSettings settings, const TokenIndex& index);

/// The merges that a file writes as pairs of token texts, as ids. Throws Error naming `where` and the merge
/// where one of the three tokens is not in `index`.
class MergeList {
 public:
  /// `prefix` is left out of the right token where the two are joined.
  MergeList(const TokenIndex& index, std::string where, std::string prefix = {})
      : index_(index), where_(std::move(where)), prefix_(std::move(prefix)) {}
  /// "left right"
  void add(std::string_view line);
  void add(std::string_view left, std::string_view right);
  std::vector<BpeMerge> take() { return std::move(merges_); }

 private:
  int id(std::string_view token, std::string_view left, std::string_view right) const;

  const TokenIndex& index_;
  std::string where_, prefix_;
  std::vector<BpeMerge> merges_;
  std::string joined_;
};

}  // namespace qkscope
