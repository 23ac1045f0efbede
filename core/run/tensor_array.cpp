#include "core/run/tensor_array.h"

#include <ATen/ATen.h>

#include <utility>

namespace qkscope {

std::vector<Array> to_arrays(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty()) return {};
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) flat.push_back(tensor.to(at::kFloat).reshape({-1}));
  const at::Tensor all = flat.size() == 1 ? flat.front() : at::cat(flat);
  at::Tensor host = all;
  if (!all.is_cpu()) {
    host = at::empty(all.sizes(), at::TensorOptions().dtype(at::kFloat).pinned_memory(all.is_cuda()));
    host.copy_(all);
  }
  std::vector<Array> arrays;
  const float* data = host.const_data_ptr<float>();
  for (const at::Tensor& tensor : tensors) {
    arrays.push_back({tensor.sizes().vec(), {data, data + tensor.numel()}});
    data += tensor.numel();
  }
  return arrays;
}

Array to_array(const at::Tensor& tensor) {
  return std::move(to_arrays({tensor}).front());
}

at::Tensor to_tensor(const Array& array, at::Device device) {
  return at::tensor(array.data).view(array.shape).to(device);
}

}  // namespace qkscope
