#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <random>
#include <span>
#include <stop_token>
#include <vector>

#include "core/model/decoder.h"
#include "core/run/intervention.h"
#include "core/run/run.h"

namespace qkscope {

/// The `count` most probable tokens after logits (vocab_size), most probable first.
std::vector<TokenProbability> top_tokens(const at::Tensor& logits, int count);
/// The same of every row of logits (n, vocab_size).
std::vector<std::vector<TokenProbability>> top_tokens_of_rows(const at::Tensor& logits, int count);

struct Answer {
  TokenIds ids;
  bool stopped = false;
};

/// Where the writing of an answer stands, so that it can go on after it was cancelled, or grow longer, and be
/// the same answer.
struct Generation {
  Generation(at::Tensor first_logits, State prompt_cache, std::uint64_t seed)
      : logits(std::move(first_logits)),
        cache(std::move(prompt_cache)),
        prompt_length(cache.length()),
        engine(seed) {}

  at::Tensor logits;  // (vocab_size) of the next token
  State cache;
  int prompt_length;
  std::mt19937_64 engine;
  Answer answer;
};

/// Goes on until the answer is stopped or has `max_new_tokens`. Throws Cancelled between two tokens or in
/// one, and can be called again.
void generate(const Decoder& decoder, Generation& state, const RunRequest& request,
              Intervention* intervention, const std::function<void(int id)>& on_token, std::stop_token stop);

/// Several answers side by side, a token of each at a time, until each is stopped or has its max_new_tokens.
/// Throws Cancelled, and can be called again.
void generate_together(const Decoder& decoder, std::span<Generation* const> states,
                       std::span<const RunRequest* const> requests, std::stop_token stop);

/// All of an answer, after a prefill whose last position gave `logits` (vocab_size).
Answer generate(const Decoder& decoder, const at::Tensor& logits, State cache, const RunRequest& request,
                Intervention* intervention, const std::function<void(int id)>& on_token,
                std::stop_token stop);

/// Negative log-likelihood in nats of targets[i] under logits[i]: (n, vocab_size). Throws Error for an id
/// outside the vocabulary.
std::vector<float> nll(const at::Tensor& logits, const TokenIds& targets);

/// What scoring says of tokens: as in Perplexity, whose words these are.
struct Scores {
  std::vector<float> nll;
  std::vector<std::vector<TokenProbability>> alternatives;  // none where none are asked for
  void append(Scores more);
};

/// nll() with the `alternatives` most probable tokens of every row.
Scores scores(const at::Tensor& logits, const TokenIds& targets, int alternatives);

/// The same, of targets[i] given the residual stream at row i: the head is applied to a few rows at a time,
/// so that a long text needs no (T, vocab_size) matrix.
Scores scores_after(const Decoder& decoder, const at::Tensor& residual, const TokenIds& targets,
                    int alternatives, std::stop_token stop);

/// For perplexity (a) of `continuation` after a prefill: `logits` (vocab_size) of its last position, its
/// cache (extended).
Scores continuation_scores(const Decoder& decoder, const at::Tensor& logits, State& cache,
                           const TokenIds& continuation, int alternatives, Intervention* intervention,
                           std::stop_token stop);

}  // namespace qkscope
