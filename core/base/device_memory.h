#pragma once
#include <cstdint>
#include <string>

namespace qkscope {

/// Bytes that `device` ("cpu", "cuda", "cuda:1") has, free or not; for the CPU those that the process may
/// use. 0 where there is no such device.
std::uint64_t device_memory(const std::string& device);

/// Gives back what libtorch keeps of GPUs' memory for later passes: once a model is gone others could not use
/// it, and it would be counted as taken. Does nothing where CUDA is not usable.
void release_device_cache();

}  // namespace qkscope
