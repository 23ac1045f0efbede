#pragma once
#include <cstdint>

namespace qkscope {

/// Which entries of M, per head, are taken.
enum class PickKind { Lambda, Largest, Smallest, Random };
struct Pick {
  PickKind kind = PickKind::Lambda;
  double lambda = 5.0;             // Lambda: M > lambda * mean of the head
  int n = 1;                       // the others: this many per head ...
  bool as_many_as_lambda = false;  // ... or, per head, as many as `lambda` finds there (a matched control)
  std::uint64_t seed = 0;          // Random
  /// Two picks are equal where they take the same: fields their kind does not look at do not count.
  bool operator==(const Pick& other) const;
};

}  // namespace qkscope
