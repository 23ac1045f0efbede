#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/text/tokenizer.h"

namespace qkscope {

/// Where a text begins and ends, as the files of a model say it.
struct TextEnds {
  std::optional<int> bos;
  std::optional<int> eos;
  bool adds_bos = false;                     // unless a file says otherwise
  std::map<std::string, std::string> names;  // texts of the special tokens: "bos_token", ...
  TextFrame frame;
  bool frames_chats = false;  // a rendered chat gets the frame too

  /// Sets the frame where flags decide; a token that is not there is not added.
  void frame_by_flags(bool add_bos, bool add_eos) {
    frame = {};
    if (add_bos && bos) frame.front = {*bos};
    if (add_eos && eos) frame.back = {*eos};
  }
};

/// What all tokenizers share: the ends of a text come from other files than the vocabulary.
class EndedTokenizer : public Tokenizer {
 public:
  std::optional<int> bos() const override { return ends_.bos; }
  std::optional<int> eos() const override { return ends_.eos; }
  const TextFrame& frame() const override { return ends_.frame; }
  bool frames_chats() const override { return ends_.frames_chats; }
  const std::map<std::string, std::string>& special_tokens() const override { return ends_.names; }
  const TextEnds& ends() const { return ends_; }
  /// For the loaders, before anybody else sees the tokenizer.
  void set_ends(TextEnds ends) { ends_ = std::move(ends); }
  const std::string& name() const override { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 private:
  std::string name_;
  TextEnds ends_;
};

}  // namespace qkscope
