#include "core/model/chat_format.h"

#include <array>

#include "core/error.h"
#include "core/model/jinja/template.h"
#include "core/model/jinja/text.h"

namespace qkscope {
namespace {

/// The name people know a template by, told from the control words it writes. The first that occurs decides.
std::string family(std::string_view source) {
  struct Mark {
    std::string_view word, family;
  };
  constexpr std::array<Mark, 4> marks = {
      Mark{"im_start", "ChatML"}, {"start_header_id", "Llama-3"}, {"SYS>", "Llama-2"}, {"/INST", "Mistral"}};
  for (const Mark& mark : marks) {
    if (source.find(mark.word) != source.npos) return std::string(mark.family);
  }
  return "Jinja";
}

}  // namespace

ChatFormat ChatFormat::recognise(std::string_view jinja_template, std::string_view bos_token,
                                 std::string_view eos_token) {
  ChatFormat format;
  format.bos_ = bos_token;
  format.eos_ = eos_token;
  if (jinja_template.empty()) {
    format.reason_ = "the checkpoint has no chat template";
    return format;
  }
  try {
    format.template_ = std::make_shared<const jinja::Template>(jinja_template);
    const std::array<ChatMessage, 1> question = {{{"user", "a question"}}};
    format.apply(question, true);
    format.name_ = family(jinja_template);
  } catch (const Error& error) {
    format.template_ = nullptr;
    format.reason_ = error.what();
    return format;
  }
  try {
    constexpr std::string_view words = "an answer";
    const std::array<ChatMessage, 2> turns = {{{"user", "a question"}, {"assistant", std::string(words)}}};
    const std::string text = format.apply(turns, false);
    if (const std::size_t at = text.rfind(words); at != text.npos)
      format.end_of_turn_ =
          jinja::strip(std::string_view(text).substr(at + words.size()), " \t\r\n", true, true);
  } catch (const Error&) {
    // A template for a single question: the turn ends with the EOS token then.
  }
  return format;
}

std::string ChatFormat::apply(std::span<const ChatMessage> messages, bool add_generation_prompt) const {
  jinja::Value turns = jinja::Value::array();
  for (const ChatMessage& message : messages)
    turns.push_back({{"role", message.role}, {"content", message.content}});
  return template_->render({{"messages", turns},
                            {"add_generation_prompt", add_generation_prompt},
                            {"bos_token", bos_},
                            {"eos_token", eos_},
                            {"tools", nullptr},
                            {"documents", nullptr}});
}

std::string ChatFormat::render(std::span<const ChatMessage> messages) const {
  if (template_) return apply(messages, true);
  std::string text;
  for (const ChatMessage& message : messages) text += (text.empty() ? "" : "\n") + message.content;
  return text;
}

std::string ChatFormat::render(std::string_view user) const {
  const std::array<ChatMessage, 1> question = {{{"user", std::string(user)}}};
  return render(question);
}

}  // namespace qkscope
