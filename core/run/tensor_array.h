#pragma once
#include <ATen/core/Tensor.h>

#include "core/array.h"

namespace qkscope {

/// Host copy as float32, and back to a device.
Array to_array(const at::Tensor& tensor);
at::Tensor to_tensor(const Array& array, at::Device device);

}  // namespace qkscope
