#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace qkscope {

/// Keys and values of the positions a decoder has seen, per layer. Grows in place; clone() before branching.
class KvCache {
 public:
  explicit KvCache(int num_layers) : keys_(num_layers), values_(num_layers) {}

  /// Positions complete in every layer: the next pass begins here.
  int length() const { return length_; }
  /// Writes (T, G, D) after length() and returns all positions so far as views (G, length + T, D).
  std::pair<at::Tensor, at::Tensor> append(int layer, const at::Tensor& key, const at::Tensor& value);
  /// Replaces what append has just written; later steps read this instead.
  void overwrite(int layer, const at::Tensor& key, const at::Tensor& value);
  /// Ends a pass of `positions`.
  void advance(int positions) { length_ += positions; }
  /// A deep copy of the first `layers` layers; the others are empty, to be filled by a pass that starts
  /// there.
  KvCache clone(int layers) const;
  KvCache clone() const { return clone(static_cast<int>(keys_.size())); }
  /// Makes the next pass begin at position `length`: 0 for the layers still empty (see clone), or an earlier
  /// one again.
  void set_length(int length) { length_ = length; }
  std::uint64_t bytes() const;

 private:
  std::vector<at::Tensor> keys_, values_;  // (G, capacity, D)
  int length_ = 0;
};

}  // namespace qkscope
