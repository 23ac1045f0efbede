#include "core/base/cuda_plugin.h"

#include <dlfcn.h>

#include <filesystem>

#include "core/cuda/plugin.h"

namespace qkscope {
namespace {

struct Plugin {
  decltype(&qkscope_cuda_device_count) device_count = nullptr;
  decltype(&qkscope_cuda_memory) memory = nullptr;
  decltype(&qkscope_cuda_device_name) device_name = nullptr;
  int devices = 0;
  std::string why_not;  // empty: usable
};

std::string last_dl_error() {
  const char* text = dlerror();
  return text ? text : "unknown error of the dynamic linker";
}

/// The folder that holds core's own library.
std::filesystem::path own_folder() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void*>(&load_cuda_plugin), &info) || !info.dli_fname) return {};
  std::error_code ignored;
  const auto path = std::filesystem::canonical(info.dli_fname, ignored);
  return path.parent_path();
}

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Plugin load() {
  Plugin plugin;
  // Asked first: libtorch's CUDA half takes most of a second to load, in vain where there is no driver.
  if (!dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) {
    plugin.why_not = "no CUDA driver found";
    return plugin;
  }
  const auto path = own_folder() / "qkscope_cuda.so";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    plugin.why_not = "the plugin qkscope_cuda.so is not beside the program (it is built where nvcc 13 is)";
    return plugin;
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays until the process ends
  if (!library) {
    plugin.why_not = "the CUDA plugin does not load: " + last_dl_error();
    return plugin;
  }
  if (!find(library, "qkscope_cuda_device_count", plugin.device_count) ||
      !find(library, "qkscope_cuda_memory", plugin.memory) ||
      !find(library, "qkscope_cuda_device_name", plugin.device_name)) {
    plugin.why_not = "the CUDA plugin is of another version: " + last_dl_error();
    return plugin;
  }
  const char* why = "";
  plugin.devices = plugin.device_count(&why);
  plugin.why_not = why;
  return plugin;
}

const Plugin& plugin() {
  static const Plugin instance = load();
  return instance;
}

}  // namespace

bool load_cuda_plugin(std::string* why_not) {
  const Plugin& loaded = plugin();
  if (why_not) *why_not = loaded.why_not;
  return loaded.why_not.empty();
}

std::string cuda_unavailable_reason() {
  return plugin().why_not;
}

std::vector<CudaDevice> cuda_devices() {
  const Plugin& loaded = plugin();
  std::vector<CudaDevice> devices;
  if (!loaded.why_not.empty()) return devices;
  for (int index = 0; index < loaded.devices; ++index) {
    CudaDevice device;
    char name[256] = "";
    if (loaded.device_name(index, name, sizeof name)) device.name = name;
    loaded.memory(index, &device.free_bytes, &device.total_bytes);
    devices.push_back(device);
  }
  return devices;
}

}  // namespace qkscope
