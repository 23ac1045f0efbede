#pragma once
#include <filesystem>
#include <string>

namespace qkscope {

class Budget;

/// The Jinja source that chats are rendered with. Empty: there is none, or none that could be chosen, and
/// then `problem` says why in words that follow a colon.
struct ChatTemplate {
  std::string source;
  std::string problem;
};

/// What transformers' tokenizers choose in a model's folder: chat_template.jinja and the files in
/// additional_chat_templates come before "chat_template" of tokenizer_config.json; of several the one named
/// "default". Throws Error only as `budget` does.
ChatTemplate choose_chat_template(const std::filesystem::path& folder, Budget& budget);

}  // namespace qkscope
