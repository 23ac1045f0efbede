#pragma once
#include <filesystem>
#include <vector>

#include "core/tasks/qa_decisions.h"
#include "core/tasks/qa_groups.h"

namespace qkscope {

/// A file of questions that is being worked on: which of them ask the same, what is decided, and the way
/// back.
class QaBook {
 public:
  /// Decisions are read from `folder` and kept there. Throws Error, as of read_qa_set() and
  /// QaDecisions::open().
  QaBook(const std::filesystem::path& file, const QaColumns& columns, std::filesystem::path folder,
         Budget& budget);

  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& folder() const { return folder_; }
  const QaSet& set() const { return set_; }
  const QaDecisions& decisions() const { return decisions_; }
  /// The others that ask what an item asks and are not rejected: by the same words in the same order, or in
  /// another one.
  std::vector<std::size_t> same_as(std::size_t item) const { return others(same_, item); }
  std::vector<std::size_t> like(std::size_t item) const { return others(like_, item); }

  /// One step of undo; what changes nothing is left out, and nothing is written where that is all. Throws
  /// Error, which leaves everything as it was.
  void decide(const std::vector<QaStep>& steps);
  bool can_undo() const { return !undone_by_.empty(); }
  bool can_redo() const { return !redone_by_.empty(); }
  /// The items that are as they were, or again as they had become. Throw Error likewise.
  std::vector<std::size_t> undo() { return go(undone_by_, redone_by_); }
  std::vector<std::size_t> redo() { return go(redone_by_, undone_by_); }

 private:
  using Steps = std::vector<QaStep>;
  /// What `steps` would change, as it is now.
  Steps now(const Steps& steps) const;
  std::vector<std::size_t> go(std::vector<Steps>& from, std::vector<Steps>& to);
  std::vector<std::size_t> others(const std::vector<int>& groups, std::size_t item) const;

  std::filesystem::path file_, folder_;
  QaSet set_;
  QaDecisions decisions_;
  std::vector<QaDuplicates> groups_;
  std::vector<int> same_, like_;  // the group of each item; -1: of none
  std::vector<Steps> undone_by_, redone_by_;
};

}  // namespace qkscope
