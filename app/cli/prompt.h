#pragma once
#include <memory>
#include <string>

#include "app/cli/command.h"
#include "core/text/prompt.h"

namespace qkscope::cli {

/// The model the options name, with progress on stderr where that is a terminal.
std::shared_ptr<const LanguageModel> load_model(const Context& context);

/// What is known of it without reading a weight: for commands that run no pass. Throws Error where it would
/// not load.
Inspection inspect_model(const Context& context);

/// On stderr, what a person should know though the model loads; load_model does so.
void tell_notes(const ModelCard& card);

struct PromptTokens {
  std::string rendered;  // as the model reads it, BOS apart
  std::string format;    // "ChatML", "raw (asked for)", "raw: the checkpoint has no chat template"
  TokenIds ids;
};

/// The prompt the options give, rendered and cut. Throws Error where it has no tokens.
PromptTokens prompt_of(const LanguageModel& model, const Options& options);
PromptTokens prompt_of(const Inspection& inspection, const Options& options);

/// The same as a document holds it.
WrittenPrompt written_prompt(const Options& options);

/// What a pair of runs on that prompt starts from: prompt, edits, sampling and stops; checked against
/// the model's layers and heads.
RunRequest request_of(const LanguageModel& model, const Options& options, const PromptTokens& prompt);

/// `text` as the answer that is scored.
TokenIds answer_ids(const LanguageModel& model, const std::string& text);

/// The whole of a file, or of standard input for "-". Throws Error where it cannot be read or has over 256
/// MiB.
std::string read_text(const std::string& path);

}  // namespace qkscope::cli
