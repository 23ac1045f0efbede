#pragma once
#include <QString>
#include <QStringList>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/run/run.h"
#include "core/text/bos.h"
#include "views/arms.h"

namespace qkscope {

/// What a prompt is there to show: the answer stands in the prompt, or only in the weights.
enum class PromptKind { Context, Memory, Free };

/// Names a prompt for as long as a session knows it, wherever it stands and whatever its text becomes.
using PromptId = std::uint64_t;

/// One prompt of a document, as the user wrote it.
struct Prompt {
  PromptKind kind = PromptKind::Free;
  QString text;
  QString expected;  // the continuation whose perplexity is told; empty = the baseline's answer
  bool raw = false;  // passed as it is, without the model's chat format
  Bos bos = Bos::Auto;
  PromptId id = 0;  // given by the session; 0 = new, and so it stands in a document
  bool operator==(const Prompt&) const = default;
};

/// What the editor says of a prompt while it is typed.
struct PromptSize {
  int tokens = 0;
  QString format;   // "ChatML", "raw: the checkpoint has no chat template"
  QString problem;  // why it cannot be asked, in one sentence
};
using PromptSizeTaker = std::function<void(const PromptSize&)>;

struct NextToken {
  QString text;
  double probability = 0;
  bool operator==(const NextToken&) const = default;
};

/// What a run made of the tokens of a text.
struct TokenScores {
  std::vector<float> nll;                      // nats of each
  std::vector<std::vector<NextToken>> likely;  // in the place of each, most probable first; or none at all
  bool operator==(const TokenScores&) const = default;
};

/// What one pass made of a prompt, in words; grows while the pass runs.
struct PromptArm {
  QString answer;
  bool complete = false;  // the answer ended
  bool stopped = false;   // ... at a stop token rather than at the length limit
  std::vector<NextToken> next;
  std::optional<Perplexity> continuation;
  QStringList continuation_pieces;                         // readable text of each scored token
  std::shared_ptr<const TokenScores> continuation_scores;  // null: none yet
  std::int64_t replaced = 0;                               // columns and activations, in the prompt's pass
  bool operator==(const PromptArm&) const = default;
};

/// Where the question of one arm stands. Told by the session, in one place; a card only paints it.
enum class ArmState {
  Off,      // nothing is disrupted, so there is no such arm
  Empty,    // none of its edits is switched on
  NotRun,   // nothing asks for it: there is no model, or pictures alone are wanted
  Waiting,  // asked; something else is done first
  Running,
  Stopped,  // asked, and stopped before it was answered
  Failed,   // ArmResult::problem says why
  Done,     // what stands there answers what is asked now
};
struct ArmStatus {
  ArmState state = ArmState::NotRun;
  bool earlier = false;  // what stands there answers an earlier setting or text
  bool operator==(const ArmStatus&) const = default;
};

/// What is known of one arm of a prompt, or of its baseline.
struct ArmResult {
  std::optional<PromptArm> run;
  ArmStatus status;
  QString problem;  // why there is no answer, in one sentence
  /// Of every token of the prompt but the first; null where they are not known.
  std::shared_ptr<const TokenScores> prompt_scores = {};
  bool operator==(const ArmResult&) const = default;
};

/// All that is known of one prompt under the model and the arms of the moment.
struct PromptResult {
  QStringList pieces;                // readable text of each token of the rendered prompt
  int user_begin = 0, user_end = 0;  // the tokens the user wrote; the rest is the chat format
  QString format;                    // "ChatML", "raw"
  QString format_reason;             // why raw, where the model decided it
  ArmResult baseline;
  std::vector<ArmResult> arms;  // in the order of the document's
  QString problem;              // why it cannot be asked at all, in one sentence
  bool operator==(const PromptResult&) const = default;

  /// Whether a sentence says why something is missing.
  bool hasProblem() const;
};

/// What a card says of an arm of `result` beside or instead of its answer: "stopped: F5 runs it". Nothing
/// where the answer speaks for itself.
QString stateWords(const PromptResult& result, const ArmResult& arm);

}  // namespace qkscope
