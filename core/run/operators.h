#pragma once
#include <ATen/core/Tensor.h>

namespace qkscope::ops {

// The operations on Q, K and V. Two have kernels of their own on CUDA (core/cuda): they are registered
// with the dispatcher as qkscope::column_norms and qkscope::replace_columns_.

/// M[h, d] = sqrt(sum over t of x[t, h, d]^2): (T, H, D) of any floating dtype -> (H, D) float32.
at::Tensor column_norms(const at::Tensor& x);

/// The mean over positions: (T, H, D) of any floating dtype -> (H, D) float32.
at::Tensor column_means(const at::Tensor& x);

/// In place: x[t, h, d] = values[h, d] for every t where mask[h, d]. x (T, H, D), mask (H, D) bool, values
/// (H, D) float32.
void replace_columns_(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values);

}  // namespace qkscope::ops
