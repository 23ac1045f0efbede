#include "core/model/memory.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <new>
#include <string_view>

#include "core/base/cuda_plugin.h"
#include "core/base/error.h"

namespace qkscope {

namespace {

std::string mib(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

/// What the process may still map, where it is limited (ulimit -v).
std::uint64_t address_space_left() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages;
  const std::uint64_t used = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

std::uint64_t free_in_ram() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kib = 0;
  while (meminfo >> key >> kib) {
    std::getline(meminfo, unit);
    if (key == "MemAvailable:") return kib * 1024;
  }
  return static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// "needs 3906 MiB more" from libtorch's "... you tried to allocate 4096000000 bytes ..." (a CPU) or "...
/// Tried to allocate 20.00 MiB ..." (CUDA).
std::string needed(std::string_view message) {
  constexpr std::string_view mark = "ried to allocate ";
  const std::size_t at = message.find(mark);
  if (at == message.npos) return "needs more memory";
  const std::string_view rest = message.substr(at + mark.size());
  double size = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  if (error != std::errc()) return "needs more memory";
  const std::string_view unit = rest.substr(static_cast<std::size_t>(end - rest.data()));
  const double bytes = size * (unit.starts_with(" GiB")   ? 1073741824.0
                               : unit.starts_with(" MiB") ? 1048576.0
                               : unit.starts_with(" KiB") ? 1024.0
                                                          : 1.0);
  return "needs " + mib(static_cast<std::uint64_t>(bytes) + (1 << 20) - 1) + " more";
}

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return true;
  const std::string_view message = error.what_without_backtrace();
  return message.find("allocate memory") != message.npos || message.find("out of memory") != message.npos;
}

}  // namespace

std::uint64_t free_memory(c10::Device device) {
  if (!device.is_cuda()) return std::min(free_in_ram(), address_space_left());
  const auto devices = cuda_devices();
  const auto index = static_cast<std::size_t>(device.index());
  return index < devices.size() ? devices[index].free_bytes : 0;
}

void telling_failures(c10::Device device, const std::string& what, const std::string& remedy,
                      const std::function<void()>& work) {
  // A pass on a GPU also needs the host's memory, for what is looked at.
  const auto out_of_memory = [&](std::string_view message) {
    const bool on_host = message.empty() || message.find("CPUAllocator") != message.npos;
    const at::Device short_of = on_host ? at::Device(at::kCPU) : device;
    return Error(what + " " + needed(message) + " and " + mib(free_memory(short_of)) + " are free on " +
                 short_of.str() + "; " + remedy + ", or close other programs.");
  };
  // libsentencepiece has a FLAGS_minloglevel of its own that is larger than libc10's: it comes to lie over
  // libc10's and over what follows, this one. Set, it ends the program where an allocation fails.
  FLAGS_caffe2_use_fatal_for_enforce = false;
  try {
    work();
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) throw out_of_memory(error.what_without_backtrace());
    const std::string message = error.what_without_backtrace();
    throw Error(what + " failed in libtorch: " + message.substr(0, message.find('\n')));
  } catch (const std::bad_alloc&) {
    throw out_of_memory({});
  }
}

}  // namespace qkscope
