#include "core/run/tensor_array.h"

#include <ATen/ATen.h>

namespace qkscope {

Array to_array(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* data = host.const_data_ptr<float>();
  return {host.sizes().vec(), {data, data + host.numel()}};
}

at::Tensor to_tensor(const Array& array, at::Device device) {
  return at::tensor(array.data).view(array.shape).to(device);
}

}  // namespace qkscope
