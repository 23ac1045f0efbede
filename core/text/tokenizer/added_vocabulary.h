#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/text/tokenizer/added_tokens.h"
#include "core/text/tokenizer/text_model.h"

namespace qkscope {

/// What the files beside a vocabulary say of tokens that are looked for in the text itself.
struct SideTokens {
  std::vector<AddedToken> declared;                       // with ids, in their order
  std::vector<std::pair<std::string, AddedToken>> named;  // "bos_token", "eos_token", ...
  std::vector<AddedToken> more;                           // special, but of no name
  std::unordered_map<std::string, bool> said;             // the standard names, null ones included
};

/// The tokens around a model's own vocabulary, numbered as Hugging Face's tokenizers numbers them
/// (tokenizers/src/tokenizer/added_vocabulary.rs, add_tokens): one that the vocabulary has keeps its id, any
/// other gets the next free one, whatever number a file gives it.
class AddedVocabulary {
 public:
  /// `index` outlives this.
  explicit AddedVocabulary(const TokenIndex& index) : index_(index) {}

  /// Adds `token` or, where its text was added before, takes over its flags; what was special stays so. Its
  /// id is not looked at.
  void add(AddedToken token);
  /// Adds what the side files name, in the order in which transformers does.
  void add(const SideTokens& side);
  bool contains(const std::string& text) const { return places_.contains(text); }
  std::vector<AddedToken> take() { return std::move(tokens_); }

 private:
  int next_id() const;

  const TokenIndex& index_;
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> places_;  // in tokens_, by text
  int largest_ = -1;
};

}  // namespace qkscope
