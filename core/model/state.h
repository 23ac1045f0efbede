#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace qkscope {

/// What a decoder remembers of the positions it has seen, layer by layer: keys and values of attention
/// layers, the state of recurrent ones (Mamba, gated delta-net). A fork costs no copy: forks share what both
/// have seen, and the first that would write over what another holds takes a copy of its own then. Forks
/// belong to one thread.
class State {
 public:
  explicit State(int num_layers) : layers_(static_cast<std::size_t>(num_layers)) {}

  /// Positions complete in every layer: the next pass begins here.
  int length() const { return length_; }
  /// Writes K (T, G, D) and V (T, G, Dv) after length() and returns all positions so far as views
  /// (G, length + T, D).
  std::pair<at::Tensor, at::Tensor> append(int layer, const at::Tensor& key, const at::Tensor& value);
  /// Replaces what append has just written; later steps read this instead.
  void overwrite(int layer, const at::Tensor& key, const at::Tensor& value);
  /// All keys and values that this layer holds: what append has last returned.
  std::pair<at::Tensor, at::Tensor> appended(int layer) const;
  /// Tensors of a recurrent layer as they stand at length(); none at the start.
  const std::vector<at::Tensor>& recurrent(int layer) const;
  /// As they stand after the pass that is being made. Nobody writes to them afterwards.
  void set_recurrent(int layer, std::vector<at::Tensor> tensors);
  /// Ends a pass of `positions`.
  void advance(int positions);
  /// The first `layers` layers; the others are empty, to be filled by a pass that starts there.
  State fork(int layers) const;
  State fork() const { return fork(static_cast<int>(layers_.size())); }
  /// Makes the next pass begin at position `length`: 0 for the layers still empty (see fork), or an earlier
  /// one again; where a layer is recurrent, none but the start and the ends of the last two passes.
  void rollback(int length) { length_ = length; }
  /// What it holds, whether or not forks hold it, too.
  std::uint64_t bytes() const { return bytes_beside(State(0)); }
  /// What it holds and `other` does not.
  std::uint64_t bytes_beside(const State& other) const;

  /// What layers read beside the residual stream in the pass that is being made (Gemma 4's per-layer
  /// inputs): (T, num_layers, size), or undefined.
  at::Tensor layer_inputs;

 private:
  static constexpr int pending = -1;
  struct Buffer;
  struct Snapshot {
    int length;  // positions it stands after, or `pending`
    std::vector<at::Tensor> tensors;
  };
  struct Layer {
    std::shared_ptr<Buffer> buffer;
    std::int64_t end = 0;  // positions of the buffer that are this state's
    std::vector<Snapshot> snapshots;
  };

  std::vector<Layer> layers_;
  int length_ = 0;
};

}  // namespace qkscope
