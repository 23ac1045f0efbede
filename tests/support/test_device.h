#pragma once
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "core/base/cuda_plugin.h"

namespace qkscope::test {

/// Where the models of the tests compute: "cpu", or what QKSCOPE_TEST_DEVICE names ("cuda", "cuda:1"), so
/// that the same tests with the same expectations run on a GPU. Throws where that device cannot be used: it
/// was asked for.
inline std::string device() {
  const char* const named = std::getenv("QKSCOPE_TEST_DEVICE");
  const std::string device = named && *named ? named : "cpu";
  if (std::string why; device != "cpu" && !load_cuda_plugin(&why))
    throw std::runtime_error("QKSCOPE_TEST_DEVICE is " + device + " and cannot be used: " + why);
  return device;
}

inline bool on_cpu() {
  return device() == "cpu";
}

}  // namespace qkscope::test
