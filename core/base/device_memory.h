#pragma once
#include <cstdint>
#include <string>

namespace qkscope {

/// Bytes that `device` ("cpu", "cuda", "cuda:1") has, free or not; for the CPU those that the process may
/// use. 0 where there is no such device.
std::uint64_t device_memory(const std::string& device);

}  // namespace qkscope
