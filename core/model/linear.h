#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

namespace qkscope {

class StoredMatrix;

/// y = x W^T + b, held in the form that is fastest where it lies: on a CPU in float32 packed once for oneDNN,
/// where the processor has the instructions its kernels are written for; the plain weights are then not kept.
/// Or, on a CPU, in the blocks of its file: beside the floats, for a few rows of x, or alone, for all.
class Linear {
 public:
  Linear() = default;
  /// weight: (out, in), undefined where `stored` is all there is; bias: (out) or undefined; stored: the same
  /// matrix in its file, or null.
  Linear(at::Tensor weight, at::Tensor bias, std::shared_ptr<const StoredMatrix> stored = nullptr);

  at::Tensor operator()(const at::Tensor& x) const;  // (rows, in) -> (rows, out)
  /// Whether weights of this kind are packed, and the plain ones not kept.
  static bool packs(at::Device device, at::ScalarType dtype);
  bool packed() const { return packed_; }
  /// Of the floats that are held.
  std::uint64_t bytes() const { return bytes_; }
  /// Null where the blocks are not used.
  const std::shared_ptr<const StoredMatrix>& stored() const { return stored_; }
  /// Of what a product with one row reads.
  std::uint64_t bytes_of_step() const;

 private:
  at::Tensor weight_;  // (out, in), or oneDNN's own layout; undefined where only the blocks are there
  at::Tensor bias_;
  std::shared_ptr<const StoredMatrix> stored_;
  bool packed_ = false;
  std::uint64_t bytes_ = 0;
};

/// Rows to look up: a matrix of embeddings, as floats or in the blocks of its file.
class Table {
 public:
  Table() = default;
  explicit Table(at::Tensor floats) : floats_(std::move(floats)) {}
  explicit Table(std::shared_ptr<const StoredMatrix> stored) : stored_(std::move(stored)) {}

  /// index: (n), of int64 -> (n, columns).
  at::Tensor operator()(const at::Tensor& index) const;
  /// Undefined where only the blocks are there.
  const at::Tensor& floats() const { return floats_; }
  /// Null where there are floats.
  const std::shared_ptr<const StoredMatrix>& stored() const { return stored_; }

 private:
  at::Tensor floats_;  // (rows, columns)
  std::shared_ptr<const StoredMatrix> stored_;
};

}  // namespace qkscope
