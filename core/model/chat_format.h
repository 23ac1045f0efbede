#pragma once
#include <span>
#include <string>
#include <string_view>

namespace qkscope {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
  bool operator==(const ChatMessage&) const = default;
};

/// How a conversation is written as one text. Recognised from the checkpoint's Jinja template; each known
/// family is rendered exactly as Hugging Face's apply_chat_template renders it. Unknown templates and none at all
/// give the raw format, and `reason` says why.
class ChatFormat {
 public:
  /// `bos_token`, `eos_token`: their texts, for the templates that print them.
  static ChatFormat recognise(std::string_view jinja_template, std::string_view bos_token = {},
                              std::string_view eos_token = {});

  /// "ChatML", "Llama-2", "Llama-3", "Mistral" or "raw".
  const std::string& name() const { return name_; }
  bool is_raw() const { return name_ == "raw"; }
  /// Why prompts are passed raw: "the checkpoint has no chat template", "template not recognised"; else empty.
  const std::string& reason() const { return reason_; }
  /// The whole text, ending where the assistant is to speak. raw: the contents joined by newlines.
  std::string render(std::span<const ChatMessage> messages) const;
  /// One user turn.
  std::string render(std::string_view user) const;
  /// Text that ends an assistant's turn ("<|im_end|>"), to be treated as a stop; may be empty.
  const std::string& end_of_turn() const { return end_of_turn_; }

 private:
  std::string name_ = "raw";
  std::string reason_;
  std::string default_system_;  // what the template itself says where the conversation has no system turn
  std::string bos_, eos_;
  std::string end_of_turn_;
  std::string template_variant_;  // families have generations: see chat_format.cpp
};

}  // namespace qkscope
