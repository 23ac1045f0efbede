#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/budget.h"

namespace qkscope {

/// The two tokens that become a third.
struct BpeMerge {
  int left = -1;
  int right = -1;
  int result = -1;
};

/// The merges of a byte pair encoding, the first being the first to apply. Immutable, thread-safe.
class BpeMerges {
 public:
  BpeMerges() = default;
  explicit BpeMerges(std::span<const BpeMerge> merges);

  /// Joins neighbours in `ids` until no merge applies: always the earliest merge there is, the leftmost where
  /// it occurs twice. O(n log n) in the number of ids. `ids` is shortened in place.
  void apply(std::vector<int>& ids, Budget& budget) const;

 private:
  struct Outcome {
    int rank = 0;
    int result = 0;
  };
  const Outcome* find(int left, int right) const;

  std::unordered_map<std::uint64_t, Outcome> outcomes_;  // by left << 32 | right
};

}  // namespace qkscope
