#pragma once
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace qkscope {

/// The first `n` of `items` become a draw without replacement. std::uniform_int_distribution differs between
/// standard libraries; the remainder of 64 random bits does not, and its bias over a few thousand items is
/// below 2^-50.
inline void draw(std::vector<std::size_t>& items, std::size_t n, std::mt19937_64& engine) {
  for (std::size_t i = 0; i < n; ++i) std::swap(items[i], items[i + engine() % (items.size() - i)]);
}

}  // namespace qkscope
