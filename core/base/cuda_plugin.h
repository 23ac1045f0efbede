#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace qkscope {

/// Loads the plugin qkscope_cuda, once per process: with it core's operators run on CUDA devices. True where
/// there is a driver, a device and the plugin; else *why_not (if given) says in words what is missing. To be
/// called before the first tensor operation, since ATen settles then whether it has CUDA. Thread-safe, never
/// throws.
bool load_cuda_plugin(std::string* why_not = nullptr);

/// Why models run on the CPU, "no CUDA driver found"; empty where CUDA is usable. Loads the plugin on first
/// use.
std::string cuda_unavailable_reason();

struct CudaDevice {
  std::string name;              // "NVIDIA H100"
  std::uint64_t free_bytes = 0;  // at the moment of the call
  std::uint64_t total_bytes = 0;
};
/// The devices in CUDA's order ("cuda:0" first); empty where CUDA is not usable.
std::vector<CudaDevice> cuda_devices();

}  // namespace qkscope
