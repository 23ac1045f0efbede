#pragma once
#include <ATen/core/Tensor.h>

#include <span>

#include "core/base/instructions.h"
#include "core/model/blocks/rotary.h"
#include "core/model/rows/kernels.h"

/// Small steps of a layer on float32 numbers in a CPU's memory, each in one pass where ATen takes several
/// operators, which in a decode step cost more than their work. A row's numbers depend on that row alone, to
/// the last bit: one position gives what it gives among others.
namespace qkscope::rows {

/// Whether these can read `x` as it lies: others are ATen's.
bool readable(const at::Tensor& x);

/// x / rms(x) * weight over the last axis; `weight` (n) or undefined.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    Instructions set = best_instructions());

/// (T, 2 n), gates before ups, -> (T, n): act(gate) * up.
at::Tensor gated(Gate gate, const at::Tensor& x, Instructions set = best_instructions());

/// As rotate() of core/model/blocks/rotary.h.
at::Tensor rotated(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x,
                   Instructions set = best_instructions());

/// Softmax attention of queries (H, T, D) over keys (G, n, D) and values (G, n, Dv), query i over the
/// positions seen[i] of n: (H, T, Dv), in memory (T, H, Dv). What a query does not see has no part in its
/// numbers.
at::Tensor attended(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, double scale,
                    std::span<const Seen> seen, Instructions set = best_instructions());

}  // namespace qkscope::rows
