#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace qkscope {

/// What of a layer's work is counted as done where its mixer is (see Tap::pulse).
constexpr double mixer_part = 0.5;

/// How many of `rows`, of so many additions and multiplications each, are worked on between two pulses of the
/// tap: by rule, so that the same input takes the same way. All of them where they take a moment, and on
/// devices that do not wait for their work.
std::int64_t rows_at_once(const at::Tensor& x, std::int64_t rows, std::int64_t work_a_row);

}  // namespace qkscope
