#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "core/base/array.h"
#include "core/model/decoder_spec.h"
#include "core/model/kv_cache.h"
#include "core/model/tap.h"
#include "core/model/weights.h"

namespace qkscope {

/// The forward pass of a decoder-only transformer, written once for every architecture. Stateless: what a
/// pass leaves behind is in the KvCache it was given. Batch size is 1 and left out of every shape.
class Decoder {
 public:
  Decoder(DecoderSpec spec, Weights weights);

  const DecoderSpec& spec() const { return spec_; }
  const Weights& weights() const { return weights_; }

  /// Residual stream (T, C) of token ids; throws Error for an id outside the vocabulary.
  at::Tensor embed(const TokenIds& ids) const;
  /// Layers first .. last - 1 on the residual stream entering `first`: (T, C) -> (T, C). Reads and extends
  /// the cache of those layers; the caller ends the pass with cache.advance(T).
  at::Tensor run_layers(at::Tensor residual, int first, int last, KvCache& cache, Tap& tap) const;
  /// (T, C) -> (T, vocab_size) float32.
  at::Tensor logits(const at::Tensor& residual, Tap& tap) const;
  /// All of it, for one more token after the cache: (1, vocab_size).
  at::Tensor step(int id, KvCache& cache, Tap& tap) const;

 private:
  struct Rotation {
    at::Tensor cos, sin;  // (T, 1, rotary_dim / 2)
  };
  Rotation rotation(int past, int positions) const;
  at::Tensor rotate(const at::Tensor& x, const Rotation& rotation) const;  // (T, heads, D)
  at::Tensor attend(int layer, const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                    int past, Tap& tap) const;
  at::Tensor attention(int layer, const at::Tensor& x, const Rotation& rotation, KvCache& cache,
                       Tap& tap) const;
  at::Tensor mlp(int layer, const at::Tensor& x) const;

  DecoderSpec spec_;
  Weights weights_;
};

}  // namespace qkscope
