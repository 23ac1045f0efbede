#pragma once
#include <optional>

#include "core/model/tokenizer.h"

namespace qkscope {

/// Where a text begins and ends, as the files of a model say it.
struct TextEnds {
  std::optional<int> bos;
  std::optional<int> eos;
  bool adds_bos = false;
};

/// What all tokenizers share: the ends of a text come from other files than the vocabulary.
class EndedTokenizer : public Tokenizer {
 public:
  std::optional<int> bos() const override { return ends_.bos; }
  std::optional<int> eos() const override { return ends_.eos; }
  bool adds_bos() const override { return ends_.adds_bos; }
  const TextEnds& ends() const { return ends_; }
  /// For the loaders, before anybody else sees the tokenizer.
  void set_ends(const TextEnds& ends) { ends_ = ends; }

 private:
  TextEnds ends_;
};

}  // namespace qkscope
