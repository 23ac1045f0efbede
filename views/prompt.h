#pragma once
#include <QString>
#include <QStringList>
#include <optional>
#include <vector>

#include "core/run/run.h"

namespace qkscope {

/// What a prompt is there to show: the answer stands in the prompt, or only in the weights.
enum class PromptKind { Context, Memory, Free };

/// One prompt of a document, as the user wrote it.
struct Prompt {
  PromptKind kind = PromptKind::Free;
  QString text;
  QString expected;  // the continuation whose perplexity is told; empty = the baseline's answer
  bool raw = false;  // passed as it is, without the model's chat format
  bool operator==(const Prompt&) const = default;
};

struct NextToken {
  QString text;
  double probability = 0;
  bool operator==(const NextToken&) const = default;
};

/// What one pass made of a prompt, in words; grows while the pass runs.
struct PromptArm {
  QString answer;
  bool complete = false;  // the answer ended
  bool stopped = false;   // ... at a stop token rather than at the length limit
  std::vector<NextToken> next;
  std::optional<Perplexity> continuation;
  QStringList continuation_pieces;  // readable text of each scored token
  std::vector<float> prompt_loss;   // nats of each prompt token but the first; empty until computed
};

/// All that is known of one prompt under the model and the disruption of the moment.
struct PromptResult {
  QStringList pieces;                // readable text of each token of the rendered prompt
  int user_begin = 0, user_end = 0;  // the tokens the user wrote; the rest is the chat format
  QString format;                    // "ChatML", "raw"
  QString format_reason;             // why raw, where the model decided it
  std::optional<PromptArm> baseline, disrupted;
  QString problem;     // why there is no answer, in one sentence
  bool stale = false;  // of an earlier disruption or text; a newer one is under way
};

}  // namespace qkscope
