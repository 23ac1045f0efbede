#pragma once
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "core/base/array.h"

namespace qkscope::cli {

/// `text` as one sequence that begins as --bos says; where the tokenizer has no BOS, EOS stands for it, as
/// published. Throws Error where it has neither.
TokenIds sequence_of(const LanguageModel& model, const Options& options, const std::string& text);

/// The sequences of one corpus file: --documents of its documents, drawn and joined, cut into pieces of
/// --context-length, of which --sequences are drawn, in the order of the text. A text that is shorter than
/// one piece is a sequence of its own.
std::vector<TokenIds> sequences_of(const LanguageModel& model, const Context& context,
                                   const std::string& file);

}  // namespace qkscope::cli
