#include "core/run/benchmark.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/run/passes.h"
#include "core/run/request_tap.h"

namespace qkscope {

namespace {

using Work = std::function<void()>;

/// Milliseconds of each work's fastest turn.
std::vector<double> fastest(const std::vector<Work>& works, int rounds, const at::Tensor& on_device,
                            std::stop_token stop) {
  std::vector<double> best(works.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round <= rounds; ++round) {  // round 0 warms up
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (stop.stop_requested()) throw Cancelled();
      const auto start = Clock::now();
      works[i]();
      if (on_device.is_cuda()) on_device.cpu();  // waits for the stream
      const double taken = ms_since(start);
      if (round > 0) best[i] = std::min(best[i], taken);
    }
  }
  return best;
}

/// The weights of every product of a pass, each a plain tensor of its own as a checkpoint holds it, with
/// numbers that matter to no kernel's speed. Of the experts of a mixture as many as a position goes through.
std::vector<at::Tensor> plain_weights(const Decoder& decoder) {
  const ModelSpec& spec = decoder.spec();
  const auto options =
      at::TensorOptions().dtype(decoder.weights().dtype()).device(decoder.weights().device());
  std::vector<at::Tensor> weights;
  const auto add = [&](Role role, int layer, int times = 1) {
    for (int i = 0; i < times; ++i)
      weights.push_back(at::full(parameter_shape(spec, role, layer), 0.01, options));
  };
  for (int l = 0; l < spec.num_layers(); ++l) {
    for (const Role role : products_of(spec.layers[static_cast<std::size_t>(l)])) {
      const bool expert = role == Role::ExpertGate || role == Role::ExpertUp || role == Role::ExpertDown;
      add(role, l, expert ? spec.layers[static_cast<std::size_t>(l)].moe()->top_k : 1);
    }
  }
  add(Role::Head, -1);
  return weights;
}

double measured_read_bandwidth(at::TensorOptions options, int rounds, std::stop_token stop) {
  const at::Tensor block =
      at::ones({std::int64_t{1} << 27}, options.dtype(at::kFloat));  // 512 MiB: no cache holds it
  const double ms = fastest({[&] { block.sum(); }}, rounds, block, stop).front();
  return static_cast<double>(block.nbytes()) / (ms / 1000);
}

TokenIds some_tokens(const ModelSpec& spec, int count) {
  TokenIds ids;
  for (int i = 0; i < count; ++i) ids.push_back(static_cast<int>((7919L * (i + 1)) % spec.vocab_size));
  return ids;
}

PrefillTiming time_prefill(const Decoder& decoder, const std::vector<at::Tensor>& weights, int tokens,
                           int rounds, std::stop_token stop) {
  const ModelSpec& spec = decoder.spec();
  const TokenIds ids = some_tokens(spec, tokens);
  const Needs norms{{Site::Query, Site::Key, Site::Value}, {}, {}, {}};
  const auto pass = [&](const Needs* needs) {
    State cache(spec.num_layers());
    RequestTap tap(needs, nullptr, /*prefill=*/true, stop);
    decoder.logits(decoder.run_layers(decoder.embed(ids, cache), 0, spec.num_layers(), cache, tap), tap);
    Capture capture;
    tap.take(capture);
  };
  const auto options = weights.front().options();
  std::map<std::int64_t, at::Tensor> inputs;  // by their columns
  for (const at::Tensor& weight : weights) {
    at::Tensor& input = inputs[weight.size(1)];
    if (!input.defined()) input = at::full({tokens, weight.size(1)}, 0.1, options);
  }
  const auto products = [&] {
    for (const at::Tensor& weight : weights) at::linear(inputs.at(weight.size(1)), weight);
  };
  const auto best =
      fastest({[&] { pass(&norms); }, [&] { pass(nullptr); }, products}, rounds, weights.front(), stop);
  return {tokens, best[0], best[2], best[0] / best[2], best[0] / best[1] - 1};
}

DecodeTiming time_decode(const Decoder& decoder, int context, double bandwidth, int rounds,
                         std::stop_token stop) {
  State cache(decoder.spec().num_layers());
  Tap tap;
  decoder.run_layers(decoder.embed(some_tokens(decoder.spec(), context), cache), 0,
                     decoder.spec().num_layers(), cache, tap);
  cache.advance(context);
  const double ms =
      fastest({[&] { decoder.step(1, cache, tap); }}, 4 * rounds, decoder.weights().embedding().table, stop)
          .front();
  const double traffic_ms = static_cast<double>(decoder.weights().bytes_per_step()) / bandwidth * 1000;
  return {context, ms, traffic_ms, ms / traffic_ms};
}

}  // namespace

Benchmark benchmark(const LanguageModel& model, const std::vector<int>& prompt_tokens, int rounds,
                    std::stop_token stop) {
  const c10::InferenceMode inference;
  const Decoder& decoder = model.decoder();
  Benchmark result;
  const std::vector<at::Tensor> weights = plain_weights(decoder);
  for (const int tokens : prompt_tokens)
    result.prefill.push_back(time_prefill(decoder, weights, tokens, rounds, stop));
  result.read_bandwidth = measured_read_bandwidth(weights.front().options(), rounds, stop);
  result.decode = time_decode(decoder, 128, result.read_bandwidth, rounds, stop);
  return result;
}

}  // namespace qkscope
