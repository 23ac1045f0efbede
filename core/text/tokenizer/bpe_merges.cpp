#include "core/text/tokenizer/bpe_merges.h"

#include <algorithm>
#include <compare>
#include <functional>

namespace qkscope {
namespace {

std::uint64_t key(int left, int right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

/// A neighbour pair that a merge applies to; the smallest goes first.
struct Candidate {
  int rank = 0;
  std::int32_t left = 0;  // index of the left one
  int result = 0;
  auto operator<=>(const Candidate&) const = default;
};

/// An id and its living neighbours; -1 at the ends.
struct Symbol {
  int id = -1;  // -1: swallowed by its left neighbour
  std::int32_t previous = -1;
  std::int32_t next = -1;
};

}  // namespace

BpeMerges::BpeMerges(std::span<const BpeMerge> merges) {
  outcomes_.reserve(merges.size());
  int rank = 0;
  for (const BpeMerge& merge : merges)
    outcomes_.insert_or_assign(key(merge.left, merge.right), Outcome{rank++, merge.result});
}

const BpeMerges::Outcome* BpeMerges::find(int left, int right) const {
  const auto found = outcomes_.find(key(left, right));
  return found == outcomes_.end() ? nullptr : &found->second;
}

void BpeMerges::apply(std::vector<int>& ids, Budget& budget) const {
  if (ids.size() < 2) return;
  budget.step(ids.size());
  // The heap holds a candidate a place at first, and two more for every merge.
  const Charge held(budget, ids.size() * (sizeof(Symbol) + 3 * sizeof(Candidate)));
  std::vector<Symbol> symbols(ids.size());
  std::vector<Candidate> heap;
  const auto add = [&](std::int32_t left) {
    const Symbol& symbol = symbols[static_cast<std::size_t>(left)];
    if (symbol.next < 0) return false;
    const Outcome* outcome = find(symbol.id, symbols[static_cast<std::size_t>(symbol.next)].id);
    if (outcome) heap.push_back({outcome->rank, left, outcome->result});
    return outcome != nullptr;
  };
  const auto push = [&](std::int32_t left) {
    if (left >= 0 && add(left)) std::ranges::push_heap(heap, std::greater<>());
  };

  const auto count = static_cast<std::int32_t>(ids.size());
  for (std::int32_t i = 0; i < count; ++i) {
    symbols[static_cast<std::size_t>(i)] = {ids[static_cast<std::size_t>(i)], i - 1,
                                            i + 1 < count ? i + 1 : -1};
  }
  for (std::int32_t i = 0; i < count; ++i) add(i);
  std::ranges::make_heap(heap, std::greater<>());

  while (!heap.empty()) {
    budget.step();
    std::ranges::pop_heap(heap, std::greater<>());
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbols[static_cast<std::size_t>(best.left)];
    if (left.id < 0 || left.next < 0) continue;
    Symbol& right = symbols[static_cast<std::size_t>(left.next)];
    // An earlier merge may have changed either of the two since this was pushed. As in Hugging Face's
    // tokenizers (models/bpe/word.rs), two others that make the same token may take their turn.
    const Outcome* outcome = find(left.id, right.id);
    if (!outcome || outcome->result != best.result) continue;
    left.id = best.result;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = best.left;
    push(left.previous);
    push(best.left);
  }

  ids.clear();
  for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
    ids.push_back(symbols[static_cast<std::size_t>(i)].id);
  }
}

}  // namespace qkscope
