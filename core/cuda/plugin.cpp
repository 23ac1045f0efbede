// Registers the CUDA kernels of core's operators and answers core's questions about devices.
#include "core/cuda/plugin.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <cstdio>

#include "core/cuda/kernels.h"

namespace qkscope::cuda {
namespace {

ScalarKind scalar_kind(const at::Tensor& x, const char* name) {
  switch (x.scalar_type()) {
    case at::kFloat:
      return ScalarKind::Float;
    case at::kDouble:
      return ScalarKind::Double;
    case at::kHalf:
      return ScalarKind::Half;
    case at::kBFloat16:
      return ScalarKind::BFloat16;
    default:
      TORCH_CHECK(false, name, " takes float64, float32, float16 or bfloat16, not ", x.scalar_type(), ".");
  }
}

Columns columns_of(const at::Tensor& x, const char* name) {
  TORCH_CHECK(x.dim() == 3, name, " takes (position, head, head_dim), not ", x.dim(), " dimensions.");
  TORCH_CHECK(x.size(2) <= 1 || x.stride(2) == 1, name, " needs a dense last dimension; its stride is ",
              x.stride(2), ".");
  return {x.size(0), x.size(1), x.size(2), x.stride(0), x.stride(1)};
}

// x: (position, head, head_dim) -> (head, head_dim), float32
at::Tensor column_norms_cuda(const at::Tensor& x) {
  const Columns columns = columns_of(x, "column_norms");
  const ScalarKind kind = scalar_kind(x, "column_norms");
  const c10::cuda::CUDAGuard guard(x.device());
  at::Tensor norms = at::empty({columns.heads, columns.head_dim}, x.options().dtype(at::kFloat));
  C10_CUDA_CHECK(column_norms(x.const_data_ptr(), kind, columns, norms.mutable_data_ptr<float>(),
                              c10::cuda::getCurrentCUDAStream()));
  return norms;
}

// x: (position, head, head_dim); mask, values: (head, head_dim)
at::Tensor& replace_columns_cuda(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values) {
  const Columns columns = columns_of(x, "replace_columns_");
  const ScalarKind kind = scalar_kind(x, "replace_columns_");
  const auto expected = x.sizes().slice(1);
  TORCH_CHECK(mask.sizes() == expected && mask.scalar_type() == at::kBool && mask.device() == x.device(),
              "replace_columns_ needs a bool mask ", expected, " on ", x.device(), "; it is ",
              mask.scalar_type(), " ", mask.sizes(), " on ", mask.device(), ".");
  TORCH_CHECK(
      values.sizes() == expected && values.scalar_type() == at::kFloat && values.device() == x.device(),
      "replace_columns_ needs float32 values ", expected, " on ", x.device(), "; they are ",
      values.scalar_type(), " ", values.sizes(), " on ", values.device(), ".");
  const c10::cuda::CUDAGuard guard(x.device());
  const at::Tensor dense_mask = mask.contiguous();
  const at::Tensor dense_values = values.contiguous();
  C10_CUDA_CHECK(replace_columns(x.mutable_data_ptr(), kind, columns, dense_mask.const_data_ptr<bool>(),
                                 dense_values.const_data_ptr<float>(), c10::cuda::getCurrentCUDAStream()));
  return x;
}

}  // namespace

TORCH_LIBRARY_IMPL(qkscope, CUDA, m) {
  m.impl("column_norms", column_norms_cuda);
  m.impl("replace_columns_", replace_columns_cuda);
}

}  // namespace qkscope::cuda

int qkscope_cuda_device_count(const char** why) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) {
    *why = count > 0 ? "" : "no CUDA device found";
    return count;
  }
  static_cast<void>(cudaGetLastError());  // a sticky error would reach the next caller
  *why = cudaGetErrorString(error);
  return 0;
}

bool qkscope_cuda_memory(int device, std::uint64_t* free_bytes, std::uint64_t* total_bytes) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
  std::size_t free = 0;
  std::size_t total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return false;
  }
  *free_bytes = free;
  *total_bytes = total;
  return true;
}

bool qkscope_cuda_device_name(int device, char* name, std::size_t size) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return false;
  }
  std::snprintf(name, size, "%s", properties.name);
  return true;
}
