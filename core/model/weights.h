#pragma once
#include <ATen/core/Tensor.h>

#include <set>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/model/decoder_spec.h"
#include "core/model/linear.h"

namespace qkscope {

class Checkpoint;

/// One layer's parameters, as the forward pass reads them.
struct LayerWeights {
  at::Tensor attn_norm, mlp_norm;  // (C)
  Linear qkv;                      // C -> (H + 2 G) D: rows of q, then k, then v
  Linear attn_out;                 // H D -> C
  Linear gate_up;                  // C -> 2 intermediate_size: gate rows, then up rows
  Linear down;                     // intermediate_size -> C
};

/// All parameters of a decoder, resident on one device. The decoder asks for a layer when it reaches it and
/// keeps no tensor of its own.
class Weights {
 public:
  /// Reads a checkpoint with Hugging Face's Llama parameter names, converted straight into `dtype` on
  /// `device`. Biases are those that are stored, whatever the configuration says, and so is the head; tied,
  /// it is the embedding, or the embedding is it. On the device "meta" nothing is read. Progress in bytes.
  /// Throws Error, Cancelled.
  Weights(const Checkpoint& checkpoint, const DecoderSpec& spec, at::Device device, at::ScalarType dtype,
          const Progress& progress);

  /// Of the tensors that these are made of.
  const std::set<std::string>& names() const { return names_; }
  const LayerWeights& layer(int l) const { return layers_[static_cast<std::size_t>(l)]; }
  const at::Tensor& embedding() const { return embedding_; }  // (vocab_size, C)
  const at::Tensor& final_norm() const { return final_norm_; }
  const Linear& head() const { return head_; }
  at::Device device() const { return final_norm_.device(); }
  at::ScalarType dtype() const { return final_norm_.scalar_type(); }
  /// Of all parameters as they are held.
  std::uint64_t bytes() const;
  /// Of what one decode step reads: all but the embedding table.
  std::uint64_t bytes_per_step() const;

 private:
  std::vector<LayerWeights> layers_;
  at::Tensor embedding_, final_norm_;
  Linear head_;
  bool head_is_embedding_ = false;  // one tensor, held once
  std::set<std::string> names_;
};

}  // namespace qkscope
