#pragma once
#include <string>

#include "core/text/bos.h"
#include "core/text/chat_format.h"
#include "core/text/tokenizer.h"

namespace qkscope {

/// A prompt as a person writes it.
struct WrittenPrompt {
  std::string text;
  bool raw = false;  // passed as it is, without the model's chat format
  Bos bos = Bos::Auto;
  bool operator==(const WrittenPrompt&) const = default;
};

/// The same as a model reads it.
struct TokenizedPrompt {
  TokenIds ids;
  std::string format;                // "ChatML", "raw"
  std::string format_reason;         // why raw, where the model decided it
  int user_begin = 0, user_end = 0;  // the tokens the person wrote; the rest is the chat format
  bool operator==(const TokenizedPrompt&) const = default;
};
/// Throws Error where the chat format refuses it, or BOS is asked for and there is none.
TokenizedPrompt tokenize_prompt(const Tokenizer& tokenizer, const ChatFormat& chat,
                                const WrittenPrompt& prompt);

}  // namespace qkscope
