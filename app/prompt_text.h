#pragma once
#include <functional>

#include "core/model/language_model.h"
#include "core/run/recording.h"
#include "views/prompt.h"

namespace qkscope {

/// The prompt as core reads it.
WrittenPrompt writtenPrompt(const Prompt& prompt);

/// A prompt as it is asked, or why it cannot be: `described.problem` has the sentence, and `ids` are empty.
struct ReadPrompt {
  TokenIds ids, expected;
  PromptResult described;
  bool operator==(const ReadPrompt&) const = default;
};
/// Renders, tokenizes, describes. Throws nothing but std::bad_alloc.
ReadPrompt readPrompt(const LanguageModel& model, const Prompt& prompt);

/// Readable texts of tokens: a model's own, or those that were recorded with its runs.
struct TokenTexts {
  std::function<QString(int id)> piece;
  std::function<QString(const Run& run)> answer;
};
TokenTexts tokenTexts(const std::shared_ptr<const LanguageModel>& model);
TokenTexts tokenTexts(const std::shared_ptr<const Recording>& recording);

/// Null where the prompt is not among those that were recorded.
const RecordedPrompt* recordedPrompt(const Recording& recording, const Prompt& prompt);
/// The same as it would be read, or why it cannot be.
ReadPrompt readRecorded(const Recording& recording, const Prompt& prompt);
/// When the runs were recorded, for people: "27 Nov 2026".
QString recordedWords(const Recording& recording);

/// What a finished or unfinished run says in words.
PromptArm describeRun(const TokenTexts& texts, const Run& run, bool complete);
std::vector<NextToken> nextTokens(const TokenTexts& texts, const Run& run);
/// What was scored of the continuation, into `arm`.
void describeContinuation(const TokenTexts& texts, const Perplexity& score, PromptArm& arm);
std::shared_ptr<const TokenScores> tokenScores(const TokenTexts& texts, const Perplexity& score);

}  // namespace qkscope
