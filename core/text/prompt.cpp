#include "core/text/prompt.h"

#include <algorithm>

namespace qkscope {
namespace {

/// The user's tokens are those that overlap the user's bytes in the rendered text.
void find_user_tokens(const Tokenizer& tokenizer, const std::string& rendered, const std::string& user,
                      TokenizedPrompt& prompt) {
  const std::size_t begin = rendered.rfind(user);
  if (user.empty() || begin == std::string::npos) return;
  const std::size_t end = begin + user.size();
  std::size_t offset = 0;
  prompt.user_begin = prompt.user_end;
  int last = 0;
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
    const std::size_t next = offset + tokenizer.piece_bytes(prompt.ids[i]).size();
    if (next > begin && offset < end) {
      prompt.user_begin = std::min(prompt.user_begin, static_cast<int>(i));
      last = static_cast<int>(i) + 1;
    }
    offset = next;
  }
  prompt.user_end = std::max(prompt.user_begin, last);
}

}  // namespace

TokenizedPrompt tokenize_prompt(const Tokenizer& tokenizer, const ChatFormat& chat,
                                const WrittenPrompt& prompt) {
  const bool raw = prompt.raw || chat.is_raw();
  std::string rendered = raw ? prompt.text : chat.render(prompt.text);
  TokenizedPrompt result;
  result.ids = encode_prompt(tokenizer, rendered, prompt.bos, !raw);
  result.user_end = static_cast<int>(result.ids.size());
  result.format = raw ? "raw" : chat.name();
  if (raw && !prompt.raw) result.format_reason = chat.reason();
  if (!raw) find_user_tokens(tokenizer, rendered, prompt.text, result);
  return result;
}

}  // namespace qkscope
