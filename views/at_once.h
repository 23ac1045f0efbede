#pragma once
#include <cstddef>
#include <functional>

namespace qkscope {

/// work(0) ... work(count - 1), on this thread and on those of the pool that come to help in time: where the
/// processors are busy with a run it waits for none of them. For work of a millisecond. Should any of them
/// throw, the first that did is thrown when all are done.
void eachAtOnce(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace qkscope
