#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
/// Hugging Face's apply_chat_template does. Where there is none, or where it cannot be understood, the format
/// is raw and `reason` says why. Immutable, thread-safe.
class ChatFormat {
 public:
  /// `bos_token`, `eos_token`: their texts, for the templates that print them.
  static ChatFormat recognise(std::string_view jinja_template, std::string_view bos_token = {},
                              std::string_view eos_token = {});

  /// "ChatML", "Llama-2", "Llama-3", "Mistral", "Jinja" for any other template that can be rendered, or
  /// "raw".
  const std::string& name() const { return name_; }
  bool is_raw() const { return !template_; }
  /// Why prompts are passed raw, in words that follow a colon; else empty.
  const std::string& reason() const { return reason_; }
  /// The whole text, ending where the assistant is to speak. raw: the contents joined by newlines. Throws
  /// Error where the template refuses such a conversation.
  std::string render(std::span<const ChatMessage> messages) const;
  /// One user turn.
  std::string render(std::string_view user) const;
  /// What the template puts after an assistant's words, without white space around: first comes the text of
  /// the token that ends a turn; templates that always let the assistant speak again go on. Empty where it
  /// puts nothing.
  const std::string& end_of_turn() const { return end_of_turn_; }

 private:
  std::string apply(std::span<const ChatMessage> messages, bool add_generation_prompt) const;

  std::string name_ = "raw";
  std::string reason_;
  std::string bos_, eos_;
  std::string end_of_turn_;
  std::shared_ptr<const jinja::Template> template_;  // null: raw
};

}  // namespace qkscope
