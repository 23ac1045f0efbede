#include "core/base/device_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "core/base/cuda_plugin.h"

namespace qkscope {

namespace {

std::uint64_t ram() {
  const std::uint64_t all =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  rlimit limit{};
  const bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? std::min<std::uint64_t>(all, limit.rlim_cur) : all;
}

}  // namespace

std::uint64_t device_memory(const std::string& device) {
  if (device == "cpu") return ram();
  const auto devices = cuda_devices();
  std::size_t index = 0;
  if (const auto colon = device.find(':'); colon != device.npos)
    std::from_chars(device.data() + colon + 1, device.data() + device.size(), index);
  return index < devices.size() ? devices[index].total_bytes : 0;
}

void release_device_cache() {
  if (!cuda_devices().empty()) c10::getDeviceAllocator(c10::kCUDA)->emptyCache();
}

}  // namespace qkscope
