#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/line_file.h"
#include "core/tasks/qa_set.h"

namespace qkscope {

enum class QaState { Undecided, Accepted, Rejected };
std::string_view qa_state_name(QaState state);  // "undecided", "accepted", "rejected"

/// What became of a question, and why: a person's words, or "the same as row 3".
struct QaDecision {
  QaState state = QaState::Undecided;
  std::string reason;
  bool operator==(const QaDecision&) const = default;
};

/// Of one item of a set.
struct QaStep {
  std::size_t item = 0;
  QaDecision decision;
  bool operator==(const QaStep&) const = default;
};

/// Where what is decided about a file of questions is kept, and what models answered: the folder
/// FILE.studio beside it.
std::filesystem::path qa_folder(const std::filesystem::path& file);

/// The decisions about the questions of a set: FOLDER/decisions.jsonl, to which lines are added and nothing
/// else is done, so that a kill at any moment loses none of them. They belong to the questions themselves:
/// rows may come, go and move in the file.
class QaDecisions {
 public:
  /// What is there; nothing decided where there is no file. Throws Error for a line that is no decision.
  static QaDecisions read(const QaSet& set, const std::filesystem::path& folder);
  /// The same, to decide more; makes the folder. Throws Error where it cannot be written, or another program
  /// decides there.
  static QaDecisions open(const QaSet& set, const std::filesystem::path& folder);

  const QaDecision& of(std::size_t item) const { return decisions_[item]; }
  /// In one line, that is, all or none of them. Throws Error, which leaves everything as it was.
  void decide(std::span<const QaStep> steps);
  /// Indices, in order.
  std::vector<std::size_t> in(QaState state) const;
  std::vector<std::size_t> not_rejected() const;

 private:
  explicit QaDecisions(const QaSet& set);
  void read_file(const std::filesystem::path& path);

  std::vector<std::string> keys_, questions_;  // of each item
  std::vector<QaDecision> decisions_;
  LineFile file_;
};

}  // namespace qkscope
