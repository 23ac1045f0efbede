#pragma once
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/checkpoint/chat_template.h"

namespace qkscope {

namespace jinja {
class Template;
}

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
  bool operator==(const ChatMessage&) const = default;
};

/// How a conversation is written as one text: by the Jinja template that comes with the checkpoint, as
/// Hugging Face's apply_chat_template does. Where there is none, or where it cannot be used, the format is
/// raw and `reason` says why. Immutable, thread-safe.
class ChatFormat {
 public:
  /// `special_tokens`: texts by name ("bos_token"), which templates see as variables. Tries the template on a
  /// question. Throws nothing but Cancelled: a template that costs more than `budget` has is one that cannot
  /// be used.
  static ChatFormat recognise(const ChatTemplate& found,
                              const std::map<std::string, std::string>& special_tokens, Budget& budget);

  /// "ChatML", "Llama-2", "Llama-3", "Mistral", "Jinja" for any other template that can be rendered, or
  /// "raw".
  const std::string& name() const { return name_; }
  bool is_raw() const { return !template_; }
  /// Why prompts are passed raw, in words that follow a colon; else empty.
  const std::string& reason() const { return reason_; }
  /// Whether there is a template and it cannot be used: something a person should know.
  bool is_unusable() const { return unusable_; }
  /// The whole text, ending where the assistant is to speak. raw: the contents joined by newlines. Throws
  /// Error where the template refuses such a conversation or takes too long over it, Cancelled when stopped.
  std::string render(std::span<const ChatMessage> messages, std::stop_token stop = {}) const;
  /// One user turn.
  std::string render(std::string_view user, std::stop_token stop = {}) const;
  /// What the template puts after an assistant's words, without white space around: first comes the text of
  /// the token that ends a turn; templates that always let the assistant speak again go on. Empty where it
  /// puts nothing.
  const std::string& end_of_turn() const { return end_of_turn_; }

 private:
  void try_out(Budget& budget);
  std::string apply(std::span<const ChatMessage> messages, bool add_generation_prompt, Budget& budget) const;

  std::string name_ = "raw";
  std::string reason_;
  bool unusable_ = false;
  std::map<std::string, std::string> special_tokens_;
  std::string end_of_turn_;
  std::shared_ptr<const jinja::Template> template_;  // null: raw
};

}  // namespace qkscope
