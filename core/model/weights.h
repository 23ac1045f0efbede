#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/model/blocks/layer_weights.h"
#include "core/model/spec.h"

namespace qkscope {

class Checkpoint;
class ParameterReader;

/// In which form matrices are held: as floats, in the blocks of their file where it stores whole rows, or
/// both, where the blocks are the smaller ones. Blocks are multiplied on a CPU in float32 only.
enum class Keep { Floats, Blocks, Both };

/// All parameters of a model, resident on one device. The decoder asks for a layer when it reaches it and
/// keeps no tensor of its own.
class Weights {
 public:
  /// Reads what `spec` says the model has, under the names that its parameter table gives, converted straight
  /// into `dtype` on `device`. Biases are those that are stored, whatever the configuration says, and so is
  /// the head; tied, it is the embedding, or the embedding is it. On the device "meta" nothing is read.
  /// Progress in bytes. Throws Error, Cancelled. Blocks that are kept hold the checkpoint.
  Weights(std::shared_ptr<const Checkpoint> checkpoint, const ModelSpec& spec, at::Device device,
          at::ScalarType dtype, const Progress& progress, Keep keep = Keep::Floats);

  /// Of the tensors that these are made of.
  const std::set<std::string>& names() const { return names_; }
  /// One layer's parameters, for as long as they are used.
  std::shared_ptr<const LayerWeights> lease(int layer) const {
    return layers_[static_cast<std::size_t>(layer)];
  }
  const EmbeddingWeights& embedding() const { return embedding_; }
  const HeadWeights& head() const { return head_; }
  at::Device device() const { return device_; }
  at::ScalarType dtype() const { return dtype_; }
  /// Of all parameters as they are held, the file's blocks among them.
  std::uint64_t bytes() const { return bytes_; }
  /// Of the blocks in the mapped file that are used.
  std::uint64_t stored_bytes() const { return stored_bytes_; }
  /// Of what one decode step reads: all but the embedding tables, and of the experts those that are chosen.
  std::uint64_t bytes_per_step() const { return bytes_per_step_; }
  /// Whether every product of a few rows is one with the blocks of the file: then a row's numbers are the
  /// same to the last bit whatever rows stand beside it, which libraries do not promise of floats.
  bool multiply_rows_alone() const { return multiply_rows_alone_; }

 private:
  void read_embedding(const ModelSpec& spec, ParameterReader& read);
  void read_head(const ModelSpec& spec, ParameterReader& read);

  std::vector<std::shared_ptr<const LayerWeights>> layers_;
  EmbeddingWeights embedding_;
  HeadWeights head_;
  at::Device device_;
  at::ScalarType dtype_;
  std::uint64_t bytes_ = 0, stored_bytes_ = 0, bytes_per_step_ = 0;
  bool multiply_rows_alone_ = false;
  std::set<std::string> names_;
};

}  // namespace qkscope
