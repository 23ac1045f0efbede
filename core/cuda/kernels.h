#pragma once
#include <cuda_runtime_api.h>

#include "core/cuda/columns.h"

// The kernels' entry points. Raw pointers on purpose: nvcc takes a minute for a file that includes ATen.
namespace qkscope::cuda {

enum class ScalarKind { Float, Double, Half, BFloat16 };

/// norms[column] = L2 norm over the positions of each column of x, in float32. Device pointers; returns at
/// once.
cudaError_t column_norms(const void* x, ScalarKind kind, const Columns& columns, float* norms,
                         cudaStream_t stream);

/// Every position of the columns with mask[column] becomes values[column]. Device pointers; returns at once.
cudaError_t replace_columns(void* x, ScalarKind kind, const Columns& columns, const bool* mask,
                            const float* values, cudaStream_t stream);

}  // namespace qkscope::cuda
