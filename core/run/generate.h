#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <random>
#include <stop_token>
#include <vector>

#include "core/model/decoder.h"
#include "core/run/intervention.h"
#include "core/run/run.h"

namespace qkscope {

/// The `count` most probable tokens after logits (vocab_size), most probable first.
std::vector<TokenProbability> top_tokens(const at::Tensor& logits, int count);

struct Answer {
  TokenIds ids;
  bool stopped = false;
};

/// Decodes after a prefill whose last position gave `logits` (vocab_size). The cache is extended.
Answer generate(const Decoder& decoder, const at::Tensor& logits, KvCache& cache, const RunRequest& request,
                Intervention* intervention, const std::function<void(int id)>& on_token,
                std::stop_token stop);

/// Negative log-likelihood in nats of targets[i] under logits[i]: (n, vocab_size). Throws Error for an id
/// outside the vocabulary.
std::vector<float> nll(const at::Tensor& logits, const TokenIds& targets);

/// The same, of targets[i] given the residual stream at row i: the head is applied to a few rows at a time,
/// so that a long text needs no (T, vocab_size) matrix.
std::vector<float> nll_after(const Decoder& decoder, const at::Tensor& residual, const TokenIds& targets,
                             std::stop_token stop);

/// Perplexity (a) of `continuation` after a prefill: `logits` (vocab_size) of its last position, its cache
/// (extended).
Perplexity score_continuation(const Decoder& decoder, const at::Tensor& logits, KvCache& cache,
                              const TokenIds& continuation, Intervention* intervention, std::stop_token stop);

}  // namespace qkscope
