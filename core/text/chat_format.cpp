#include "core/text/chat_format.h"

#include <array>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/text/jinja/template.h"
#include "core/text/jinja/text.h"

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

ChatFormat ChatFormat::recognise(const ChatTemplate& found,
                                 const std::map<std::string, std::string>& special_tokens, Budget& budget) {
  ChatFormat format;
  format.special_tokens_ = special_tokens;
  format.reason_ = found.problem;
  format.unusable_ = !found.problem.empty();
  if (!found.source.empty()) {
    try {
      format.template_ = std::make_shared<const jinja::Template>(found.source, budget);
      format.try_out(budget);
      format.name_ = family(found.source);
    } catch (const Error& error) {
      format.template_ = nullptr;
      format.reason_ = error.what();
      format.unusable_ = true;
    }
  } else if (!format.unusable_) {
    format.reason_ = "the checkpoint has no chat template";
  }
  return format;
}

/// Throws Error where the template does not take a question.
void ChatFormat::try_out(Budget& budget) {
  const ChatMessage question{"user", "a question"}, answer{"assistant", "an answer"};
  apply({{question}}, true, budget);
  try {
    const std::array<ChatMessage, 2> turns = {question, answer};
    const std::string text = apply(turns, false, budget);
    if (const std::size_t at = text.rfind(answer.content); at != text.npos)
      end_of_turn_ =
          jinja::strip(std::string_view(text).substr(at + answer.content.size()), " \t\r\n", true, true);
  } catch (const Error&) {
    // A template for a single question: the turn ends with the EOS token then.
  }
}

/// The variables are those of transformers' apply_chat_template: a special token that the model has not is
/// not defined.
std::string ChatFormat::apply(std::span<const ChatMessage> messages, bool add_generation_prompt,
                              Budget& budget) const {
  nlohmann::ordered_json turns = nlohmann::ordered_json::array(), variables;
  for (const ChatMessage& message : messages)
    turns.push_back({{"role", message.role}, {"content", message.content}});
  variables["messages"] = std::move(turns);
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = add_generation_prompt;
  for (const auto& [name, text] : special_tokens_) variables[name] = text;
  return template_->render(variables, budget);
}

std::string ChatFormat::render(std::span<const ChatMessage> messages, std::stop_token stop) const {
  if (template_) {
    Budget budget("The chat template", std::move(stop));
    return apply(messages, true, budget);
  }
  std::string text;
  for (const ChatMessage& message : messages) text += (text.empty() ? "" : "\n") + message.content;
  return text;
}

std::string ChatFormat::render(std::string_view user, std::stop_token stop) const {
  const std::array<ChatMessage, 1> question = {{{"user", std::string(user)}}};
  return render(question, std::move(stop));
}

}  // namespace qkscope
