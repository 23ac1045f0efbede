#pragma once
#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "core/base/array.h"
#include "core/model/blocks/rotary.h"
#include "core/model/spec.h"
#include "core/model/state.h"
#include "core/model/tap.h"
#include "core/model/weights.h"

namespace qkscope {

/// The forward pass of a decoder-only model, written once over its spec. Stateless: what a pass leaves behind
/// is in the State it was given. There is no batch axis: where several sequences go through a pass, their
/// rows follow each other.
class Decoder {
 public:
  Decoder(ModelSpec spec, Weights weights);

  const ModelSpec& spec() const { return spec_; }
  const Weights& weights() const { return weights_; }

  /// Residual stream (T, C) of token ids that follow what `state` holds; throws Error for an id outside the
  /// vocabulary, and for a position beyond the learned ones.
  at::Tensor embed(const TokenIds& ids, State& state) const;
  /// Layers first .. last - 1 on the residual stream entering `first`: (T, C) -> (T, C). Reads and extends
  /// the state of those layers; the caller ends the pass with state.advance(T).
  at::Tensor run_layers(at::Tensor residual, int first, int last, State& state, Tap& tap) const;
  /// (T, C) -> (T, vocab_size) float32.
  at::Tensor logits(const at::Tensor& residual, Tap& tap) const;
  /// All of it, for one more token after the state: (1, vocab_size).
  at::Tensor step(int id, State& state, Tap& tap) const;
  /// One more token after each of several states, side by side: (n, vocab_size). To the last bit as one by
  /// one where rows_stand_alone(). The tap sees all rows at once.
  at::Tensor step(const TokenIds& ids, std::span<State* const> states, Tap& tap) const;
  /// Whether a row's numbers are the same to the last bit whatever few rows stand beside it: its products are
  /// with blocks, or on a GPU of as many rows as ever stand there, and all else that reads several rows at
  /// once goes row by row or by exact operations. On a CPU ATen's functions of numbers (erf, tanh, exp) do
  /// not: what is left over at the end of all rows takes another way.
  bool rows_stand_alone() const;
  /// Whether a prompt gives the same to the last bit where it is read in two passes, each of more than
  /// few_rows positions: its products are with packed floats, which add up a row in one order however many
  /// there are.
  bool prefixes_stand_alone() const;

 private:
  struct Pass;
  at::Tensor run_layers(at::Tensor residual, int first, int last, std::vector<SequenceRows> sequences,
                        Tap& tap) const;
  at::Tensor per_layer_inputs(const at::Tensor& index, const at::Tensor& residual) const;
  at::Tensor run_layer(int l, at::Tensor residual, Pass& pass) const;
  bool goes_row_by_row() const;

  ModelSpec spec_;
  Weights weights_;
  std::vector<RopeSpec> ropes_;  // the different ones
  std::vector<int> rope_of_;     // by layer: index into ropes_, -1 where the layer does not rotate
};

}  // namespace qkscope
