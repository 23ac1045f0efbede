#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace qkscope {

/// y = x W^T + b, held in the form that is fastest where it lies: on a CPU in float32 packed once for oneDNN,
/// where the processor has the instructions its kernels are written for; the plain weights are then not kept.
class Linear {
 public:
  Linear() = default;
  /// weight: (out, in); bias: (out) or undefined.
  Linear(at::Tensor weight, at::Tensor bias);

  at::Tensor operator()(const at::Tensor& x) const;  // (rows, in) -> (rows, out)
  /// Whether weights of this kind are packed, and the plain ones not kept.
  static bool packs(at::Device device, at::ScalarType dtype);
  bool packed() const { return packed_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  at::Tensor weight_;  // (out, in), or oneDNN's own layout
  at::Tensor bias_;
  bool packed_ = false;
  std::uint64_t bytes_ = 0;
};

}  // namespace qkscope
