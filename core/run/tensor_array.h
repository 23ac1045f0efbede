#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/base/array.h"

namespace qkscope {

/// Host copies as float32 of tensors that lie on one device. From a GPU they come in one transfer, into
/// pinned memory: many small ones would each wait for the stream.
std::vector<Array> to_arrays(const std::vector<at::Tensor>& tensors);
Array to_array(const at::Tensor& tensor);
/// Back to a device.
at::Tensor to_tensor(const Array& array, at::Device device);

}  // namespace qkscope
