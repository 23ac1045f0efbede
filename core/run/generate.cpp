#include "core/run/generate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/run/request_tap.h"

namespace qkscope {

namespace {

int sample(const at::Tensor& logits, const Sampling& sampling, std::mt19937_64& engine) {
  const at::Tensor largest = logits.max();  // NaN where there is one
  if (!std::isfinite(largest.item<float>())) {
    throw Error(
        "The model's logits are not finite numbers, so no token can be chosen; load it as float32 if it was "
        "not.");
  }
  // argmax leaves open which of two equal logits it takes; the lower id is ours.
  if (sampling.temperature <= 0) {
    return static_cast<int>(at::nonzero(logits == largest)[0].item<std::int64_t>());
  }
  const std::int64_t vocab = logits.numel();
  const std::int64_t kept = sampling.top_k > 0 ? std::min<std::int64_t>(sampling.top_k, vocab) : vocab;
  // Below the largest, in double: no temperature, however low, makes an infinity of the largest.
  const at::Tensor below = logits.to(at::kDouble) - largest;
  const auto [top, ids] = at::topk(below / sampling.temperature, kept);
  const at::Tensor probabilities = at::softmax(top, -1).to(at::kCPU);
  const at::Tensor host_ids = ids.to(at::kCPU);
  const double* p = probabilities.const_data_ptr<double>();
  std::int64_t count = 0;
  double mass = 0;
  while (count < kept && (count == 0 || mass < sampling.top_p)) mass += p[count++];
  // 53 random bits; std::uniform_real_distribution differs between standard libraries.
  const double aim = mass * static_cast<double>(engine() >> 11) * 0x1.0p-53;
  std::int64_t i = 0;
  for (double sum = p[0]; i + 1 < count && sum <= aim; sum += p[++i]) {
  }
  return static_cast<int>(host_ids[i].item<std::int64_t>());
}

}  // namespace

std::vector<TokenProbability> top_tokens(const at::Tensor& logits, int count) {
  const std::int64_t n = std::min<std::int64_t>(count, logits.numel());
  const auto [top, ids] = at::topk(logits, n);
  const at::Tensor probabilities = (top - at::logsumexp(logits, {-1})).exp().to(at::kCPU);
  const at::Tensor host_top = top.to(at::kCPU), host_ids = ids.to(at::kCPU);
  std::vector<TokenProbability> tokens;
  for (std::int64_t i = 0; i < n; ++i) {
    tokens.push_back({static_cast<int>(host_ids[i].item<std::int64_t>()), host_top[i].item<float>(),
                      probabilities[i].item<float>()});
  }
  return tokens;
}

void generate(const Decoder& decoder, Generation& state, const RunRequest& request,
              Intervention* intervention, const std::function<void(int id)>& on_token, std::stop_token stop) {
  TokenIds& ids = state.answer.ids;
  while (!state.answer.stopped && std::ssize(ids) < request.max_new_tokens) {
    if (stop.stop_requested()) throw Cancelled();
    if (!ids.empty()) {
      // Says so anew: a step that was cancelled may have advanced the cache.
      state.cache.rollback(state.prompt_length + static_cast<int>(ids.size()) - 1);
      RequestTap tap(nullptr, intervention, /*prefill=*/false, stop);
      state.logits = decoder.step(ids.back(), state.cache, tap)[0];
    }
    const int id = sample(state.logits, request.sampling, state.engine);
    ids.push_back(id);
    state.answer.stopped = std::ranges::find(request.stop_tokens, id) != request.stop_tokens.end();
    if (on_token) on_token(id);
  }
}

Answer generate(const Decoder& decoder, const at::Tensor& logits, State cache, const RunRequest& request,
                Intervention* intervention, const std::function<void(int id)>& on_token,
                std::stop_token stop) {
  Generation state(logits, std::move(cache), request.sampling.seed);
  generate(decoder, state, request, intervention, on_token, stop);
  return state.answer;
}

std::vector<float> nll(const at::Tensor& logits, const TokenIds& targets) {
  if (targets.empty()) return {};
  for (const int id : targets) {
    if (id >= 0 && id < logits.size(1)) continue;
    throw Error("Token id " + std::to_string(id) + " cannot be scored; it is outside the vocabulary of " +
                std::to_string(logits.size(1)) + " tokens.");
  }
  const at::Tensor index = at::tensor(targets, at::kLong).to(logits.device()).unsqueeze(1);
  const at::Tensor wanted = at::gather(logits, 1, index).squeeze(1);
  const at::Tensor loss = (at::logsumexp(logits, {1}) - wanted).to(at::kCPU, at::kFloat).contiguous();
  const float* data = loss.const_data_ptr<float>();
  return {data, data + loss.numel()};
}

std::vector<float> nll_after(const Decoder& decoder, const at::Tensor& residual, const TokenIds& targets,
                             std::stop_token stop) {
  constexpr std::size_t rows = 128;
  std::vector<float> all;
  for (std::size_t start = 0; start < targets.size(); start += rows) {
    const std::size_t count = std::min(rows, targets.size() - start);
    RequestTap tap(nullptr, nullptr, true, stop);
    const at::Tensor part =
        residual.narrow(0, static_cast<std::int64_t>(start), static_cast<std::int64_t>(count));
    const auto from = targets.begin() + static_cast<std::ptrdiff_t>(start);
    const std::vector<float> losses =
        nll(decoder.logits(part, tap), TokenIds(from, from + static_cast<std::ptrdiff_t>(count)));
    all.insert(all.end(), losses.begin(), losses.end());
  }
  return all;
}

Perplexity score_continuation(const Decoder& decoder, const at::Tensor& logits, State& cache,
                              const TokenIds& continuation, Intervention* intervention,
                              std::stop_token stop) {
  Perplexity result{PerplexityDefinition::Continuation, continuation, {}};
  if (continuation.empty()) return result;
  result.nll = nll(logits.unsqueeze(0), {continuation.front()});
  const TokenIds inputs(continuation.begin(), continuation.end() - 1);
  const TokenIds targets(continuation.begin() + 1, continuation.end());
  if (intervention && intervention->every_step()) {
    // Decode disrupts each step by itself (its means are over one position), so it is scored step by step.
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      RequestTap tap(nullptr, intervention, /*prefill=*/false, stop);
      result.nll.push_back(nll(decoder.step(inputs[i], cache, tap), {targets[i]}).front());
    }
  } else if (!inputs.empty()) {
    RequestTap tap(nullptr, nullptr, /*prefill=*/false, stop);
    const at::Tensor residual =
        decoder.run_layers(decoder.embed(inputs, cache), 0, decoder.spec().num_layers(), cache, tap);
    cache.advance(static_cast<int>(inputs.size()));
    const std::vector<float> rest = nll_after(decoder, residual, targets, stop);
    result.nll.insert(result.nll.end(), rest.begin(), rest.end());
  }
  return result;
}

}  // namespace qkscope
