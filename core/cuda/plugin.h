#pragma once
#include <cstddef>
#include <cstdint>

// What core asks of the plugin by name (dlsym). Plain C, so that core needs nothing of CUDA to call it.
extern "C" {

/// The number of usable devices; 0 with a reason in `*why` (a text that lives as long as the plugin).
int qkscope_cuda_device_count(const char** why);

/// Bytes of a device's memory; false if it cannot be asked.
bool qkscope_cuda_memory(int device, std::uint64_t* free_bytes, std::uint64_t* total_bytes);

/// Writes a device's name, "NVIDIA H100", into `name`; false if it cannot be asked.
bool qkscope_cuda_device_name(int device, char* name, std::size_t size);
}
