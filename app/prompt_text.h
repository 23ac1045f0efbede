#pragma once
#include "core/model/language_model.h"
#include "views/prompt.h"

namespace qkscope {

/// A prompt as the model gets it.
struct RenderedPrompt {
  std::string text;
  TokenIds ids;
  bool raw = false;
};
RenderedPrompt renderPrompt(const LanguageModel& model, const Prompt& prompt);

/// Ids of a continuation that follows a prompt: no BOS, no special tokens.
TokenIds continuationIds(const LanguageModel& model, const QString& text);

/// All of a result that is known before a run: pieces, the part the user wrote, the format and why.
PromptResult describePrompt(const LanguageModel& model, const Prompt& prompt, const RenderedPrompt& rendered);

/// A prompt as it is asked, or why it cannot be: `described.problem` has the sentence, and `ids` are empty.
struct ReadPrompt {
  TokenIds ids, expected;
  PromptResult described;
  bool operator==(const ReadPrompt&) const = default;
};
/// Renders, tokenizes, describes. Throws nothing but std::bad_alloc.
ReadPrompt readPrompt(const LanguageModel& model, const Prompt& prompt);

/// What a finished or unfinished run says in words.
PromptArm describeRun(const LanguageModel& model, const Run& run, bool complete);
std::vector<NextToken> nextTokens(const LanguageModel& model, const Run& run);
/// What was scored of the continuation, into `arm`.
void describeContinuation(const LanguageModel& model, const Perplexity& score, PromptArm& arm);
std::shared_ptr<const TokenScores> tokenScores(const LanguageModel& model, const Perplexity& score);

/// Readable texts of tokens, one each.
QStringList pieceTexts(const LanguageModel& model, const TokenIds& ids);

}  // namespace qkscope
