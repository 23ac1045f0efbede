#include "core/tasks/qa_book.h"

#include <algorithm>

#include "core/base/budget.h"

namespace qkscope {

QaBook::QaBook(const std::filesystem::path& file, const QaColumns& columns, std::filesystem::path folder,
               Budget& budget)
    : file_(file),
      folder_(std::move(folder)),
      set_(read_qa_set(file, columns, budget)),
      decisions_(QaDecisions::open(set_, folder_)),
      groups_(find_duplicates(set_, set_.all())),
      same_(set_.items.size(), -1),
      like_(set_.items.size(), -1) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (const std::size_t item : groups_[group].items)
      (groups_[group].same ? same_ : like_)[item] = static_cast<int>(group);
  }
}

std::vector<std::size_t> QaBook::others(const std::vector<int>& groups, std::size_t item) const {
  std::vector<std::size_t> found;
  if (groups[item] < 0) return found;
  for (const std::size_t other : groups_[static_cast<std::size_t>(groups[item])].items) {
    if (other != item && decisions_.of(other).state != QaState::Rejected) found.push_back(other);
  }
  return found;
}

QaBook::Steps QaBook::now(const Steps& steps) const {
  Steps before;
  for (const QaStep& step : steps) before.push_back({step.item, decisions_.of(step.item)});
  return before;
}

void QaBook::decide(const std::vector<QaStep>& steps) {
  Steps changes;
  for (const QaStep& step : steps) {
    if (decisions_.of(step.item) != step.decision) changes.push_back(step);
  }
  if (changes.empty()) return;
  Steps before = now(changes);
  decisions_.decide(changes);
  undone_by_.push_back(std::move(before));
  redone_by_.clear();
}

std::vector<std::size_t> QaBook::go(std::vector<Steps>& from, std::vector<Steps>& to) {
  std::vector<std::size_t> items;
  if (from.empty()) return items;
  Steps before = now(from.back());
  decisions_.decide(from.back());
  for (const QaStep& step : before) items.push_back(step.item);
  from.pop_back();
  to.push_back(std::move(before));
  return items;
}

}  // namespace qkscope
