#include "core/run/generate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

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

std::vector<std::vector<TokenProbability>> top_tokens_of_rows(const at::Tensor& logits, int count) {
  const std::int64_t n = std::min<std::int64_t>(count, logits.size(1));
  const auto [top, ids] = at::topk(logits, n);
  const at::Tensor probabilities =
      (top - at::logsumexp(logits, {1}, true)).exp().to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor host_top = top.to(at::kCPU, at::kFloat).contiguous(),
                   host_ids = ids.to(at::kCPU).contiguous();
  const float* probability = probabilities.const_data_ptr<float>();
  const float* logit = host_top.const_data_ptr<float>();
  const std::int64_t* id = host_ids.const_data_ptr<std::int64_t>();
  std::vector<std::vector<TokenProbability>> rows(static_cast<std::size_t>(logits.size(0)));
  for (auto& row : rows) {
    for (std::int64_t i = 0; i < n; ++i) row.push_back({static_cast<int>(*id++), *logit++, *probability++});
  }
  return rows;
}

std::vector<TokenProbability> top_tokens(const at::Tensor& logits, int count) {
  return top_tokens_of_rows(logits.unsqueeze(0), count).front();
}

namespace {

bool goes_on(const Generation& state, const RunRequest& request) {
  return !state.answer.stopped && std::ssize(state.answer.ids) < request.max_new_tokens;
}

/// Where the token that is to follow the answer so far stands. Says so anew: a step that was cancelled may
/// have advanced the cache.
void place(Generation& state) {
  state.cache.rollback(state.prompt_length + static_cast<int>(state.answer.ids.size()) - 1);
}

int take_next(Generation& state, const RunRequest& request) {
  const int id = sample(state.logits, request.sampling, state.engine);
  state.answer.ids.push_back(id);
  state.answer.stopped = std::ranges::find(request.stop_tokens, id) != request.stop_tokens.end();
  return id;
}

}  // namespace

void generate(const Decoder& decoder, Generation& state, const RunRequest& request,
              Intervention* intervention, const std::function<void(int id)>& on_token, std::stop_token stop) {
  while (goes_on(state, request)) {
    if (stop.stop_requested()) throw Cancelled();
    if (!state.answer.ids.empty()) {
      place(state);
      RequestTap tap(nullptr, intervention, /*prefill=*/false, stop);
      state.logits = decoder.step(state.answer.ids.back(), state.cache, tap)[0];
    }
    const int id = take_next(state, request);
    if (on_token) on_token(id);
  }
}

void generate_together(const Decoder& decoder, std::span<Generation* const> states,
                       std::span<const RunRequest* const> requests, std::stop_token stop) {
  for (;;) {
    if (stop.stop_requested()) throw Cancelled();
    std::vector<Generation*> stepping;
    std::vector<State*> caches;
    TokenIds last;
    bool begins = false;
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (!goes_on(*states[i], *requests[i])) continue;
      if (states[i]->answer.ids.empty()) {
        begins = true;
        continue;
      }
      place(*states[i]);
      stepping.push_back(states[i]);
      caches.push_back(&states[i]->cache);
      last.push_back(states[i]->answer.ids.back());
    }
    if (stepping.empty() && !begins) return;
    if (!stepping.empty()) {
      RequestTap tap(nullptr, nullptr, /*prefill=*/false, stop);
      const at::Tensor logits = decoder.step(last, caches, tap);
      for (std::size_t i = 0; i < stepping.size(); ++i)
        stepping[i]->logits = logits[static_cast<std::int64_t>(i)];
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (goes_on(*states[i], *requests[i])) take_next(*states[i], *requests[i]);
    }
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

void Scores::append(Scores more) {
  nll.insert(nll.end(), more.nll.begin(), more.nll.end());
  std::ranges::move(more.alternatives, std::back_inserter(alternatives));
}

Scores scores(const at::Tensor& logits, const TokenIds& targets, int alternatives) {
  Scores result{nll(logits, targets), {}};
  if (alternatives > 0) result.alternatives = top_tokens_of_rows(logits, alternatives);
  return result;
}

Scores scores_after(const Decoder& decoder, const at::Tensor& residual, const TokenIds& targets,
                    int alternatives, std::stop_token stop) {
  constexpr std::size_t rows = 128;
  Scores all;
  for (std::size_t start = 0; start < targets.size(); start += rows) {
    const std::size_t count = std::min(rows, targets.size() - start);
    RequestTap tap(nullptr, nullptr, true, stop);
    const at::Tensor part =
        residual.narrow(0, static_cast<std::int64_t>(start), static_cast<std::int64_t>(count));
    const auto from = targets.begin() + static_cast<std::ptrdiff_t>(start);
    all.append(scores(decoder.logits(part, tap), TokenIds(from, from + static_cast<std::ptrdiff_t>(count)),
                      alternatives));
  }
  return all;
}

Scores continuation_scores(const Decoder& decoder, const at::Tensor& logits, State& cache,
                           const TokenIds& continuation, int alternatives, Intervention* intervention,
                           std::stop_token stop) {
  if (continuation.empty()) return {};
  Scores result = scores(logits.unsqueeze(0), {continuation.front()}, alternatives);
  const TokenIds inputs(continuation.begin(), continuation.end() - 1);
  const TokenIds targets(continuation.begin() + 1, continuation.end());
  if (intervention && intervention->every_step()) {
    // Decode disrupts each step by itself (its means are over one position), so it is scored step by step.
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      RequestTap tap(nullptr, intervention, /*prefill=*/false, stop);
      result.append(scores(decoder.step(inputs[i], cache, tap), {targets[i]}, alternatives));
    }
  } else if (!inputs.empty()) {
    RequestTap tap(nullptr, nullptr, /*prefill=*/false, stop);
    const at::Tensor residual =
        decoder.run_layers(decoder.embed(inputs, cache), 0, decoder.spec().num_layers(), cache, tap);
    cache.advance(static_cast<int>(inputs.size()));
    result.append(scores_after(decoder, residual, targets, alternatives, stop));
  }
  return result;
}

}  // namespace qkscope
