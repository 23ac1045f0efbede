#pragma once
#include <ATen/core/Tensor.h>

#include "core/model/blocks/rotary.h"
#include "core/model/rows/kernels.h"

/// Small steps of a layer on float32 numbers in a CPU's memory, each in one pass where ATen takes several
/// operators, which in a decode step cost more than their work. A row's numbers depend on that row alone, to
/// the last bit: one position gives what it gives among others.
namespace qkscope::rows {

/// The kernels for this processor's instructions.
const Kernels& best_kernels();

/// Whether these can read `x` as it lies: others are ATen's.
bool readable(const at::Tensor& x);

/// x / rms(x) * weight over the last axis; `weight` (n) or undefined.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    const Kernels& kernels = best_kernels());

/// (T, 2 n), gates before ups, -> (T, n): act(gate) * up.
at::Tensor gated(Gate gate, const at::Tensor& x, const Kernels& kernels = best_kernels());

/// As rotate() of core/model/blocks/rotary.h.
at::Tensor rotated(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x,
                   const Kernels& kernels = best_kernels());

/// Softmax attention of one position: query (H, 1, D) over all of keys (G, n, D) and values (G, n, Dv): (H,
/// 1, Dv).
at::Tensor attended(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, double scale,
                    const Kernels& kernels = best_kernels());

}  // namespace qkscope::rows
