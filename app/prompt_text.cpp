#include "app/prompt_text.h"

#include <algorithm>

namespace qkscope {

RenderedPrompt renderPrompt(const LanguageModel& model, const Prompt& prompt) {
  RenderedPrompt rendered;
  const std::string user = prompt.text.toStdString();
  rendered.raw = prompt.raw || model.chat_format().is_raw();
  rendered.text = rendered.raw ? user : model.chat_format().render(user);
  rendered.ids = model.tokenize(rendered.text);
  return rendered;
}

TokenIds continuationIds(const LanguageModel& model, const QString& text) {
  if (text.isEmpty()) return {};
  return model.tokenizer().encode(text.toStdString(), false);
}

QStringList pieceTexts(const LanguageModel& model, const TokenIds& ids) {
  QStringList pieces;
  for (const int id : ids) pieces << QString::fromStdString(model.tokenizer().piece_text(id));
  return pieces;
}

PromptResult describePrompt(const LanguageModel& model, const Prompt& prompt,
                            const RenderedPrompt& rendered) {
  PromptResult result;
  result.pieces = pieceTexts(model, rendered.ids);
  result.user_end = static_cast<int>(rendered.ids.size());
  result.format = rendered.raw ? QStringLiteral("raw") : QString::fromStdString(model.chat_format().name());
  if (rendered.raw && !prompt.raw)
    result.format_reason = QString::fromStdString(model.chat_format().reason());
  if (rendered.raw) return result;

  // The user's tokens are those that overlap the user's bytes in the rendered text.
  const std::string user = prompt.text.toStdString();
  const std::size_t begin = rendered.text.rfind(user);
  if (user.empty() || begin == std::string::npos) return result;
  const std::size_t end = begin + user.size();
  std::size_t offset = 0;
  result.user_begin = result.user_end;
  int last = 0;
  for (std::size_t i = 0; i < rendered.ids.size(); ++i) {
    const std::size_t next = offset + model.tokenizer().piece_bytes(rendered.ids[i]).size();
    if (next > begin && offset < end) {
      result.user_begin = std::min(result.user_begin, static_cast<int>(i));
      last = static_cast<int>(i) + 1;
    }
    offset = next;
  }
  result.user_end = std::max(result.user_begin, last);
  return result;
}

std::vector<NextToken> nextTokens(const LanguageModel& model, const Run& run) {
  std::vector<NextToken> next;
  for (const TokenProbability& token : run.next_tokens) {
    next.push_back({QString::fromStdString(model.tokenizer().piece_text(token.id)), token.probability});
  }
  return next;
}

PromptArm describeRun(const LanguageModel& model, const Run& run, bool complete) {
  PromptArm arm;
  arm.answer = QString::fromStdString(model.tokenizer().decode(run.answer, true));
  arm.complete = complete;
  arm.stopped = run.stopped;
  arm.next = nextTokens(model, run);
  arm.continuation = run.continuation;
  if (run.continuation) arm.continuation_pieces = pieceTexts(model, run.continuation->tokens);
  if (run.prompt_text) arm.prompt_loss = run.prompt_text->nll;
  return arm;
}

}  // namespace qkscope
