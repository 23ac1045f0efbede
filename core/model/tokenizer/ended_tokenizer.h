#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/model/tokenizer.h"

namespace qkscope {

/// Where a text begins and ends, as the files of a model say it.
struct TextEnds {
  std::optional<int> bos;
  std::optional<int> eos;
  bool adds_bos = false;
  std::map<std::string, std::string> names;  // texts of the special tokens: "bos_token", ...
};

/// What all tokenizers share: the ends of a text come from other files than the vocabulary.
class EndedTokenizer : public Tokenizer {
 public:
  std::optional<int> bos() const override { return ends_.bos; }
  std::optional<int> eos() const override { return ends_.eos; }
  bool adds_bos() const override { return ends_.adds_bos; }
  const std::map<std::string, std::string>& special_tokens() const override { return ends_.names; }
  const TextEnds& ends() const { return ends_; }
  /// For the loaders, before anybody else sees the tokenizer.
  void set_ends(TextEnds ends) { ends_ = std::move(ends); }

 private:
  TextEnds ends_;
};

}  // namespace qkscope
