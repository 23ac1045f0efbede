#pragma once
#include <cstddef>
#include <future>
#include <vector>

namespace qkscope {

/// work(0) ... work(count - 1), each on a thread of its own where there is one to be had, and waits for all.
/// For work of a millisecond: a thread costs some hundredths of one. What any of them throws is thrown.
template <typename Work>
void eachAtOnce(std::size_t count, const Work& work) {
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < count; ++i) others.push_back(std::async([&work, i] { work(i); }));
  if (count > 0) work(0);
  for (std::future<void>& other : others) other.get();
}

}  // namespace qkscope
