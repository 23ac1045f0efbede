#include "core/run/benchmark.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <map>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/model/language_model.h"
#include "core/run/passes.h"
#include "core/run/request_tap.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

using Work = std::function<void()>;

/// Milliseconds of one work's turns, in order.
struct Turns {
  std::vector<double> ms = {};

  double fastest() const { return std::ranges::min(ms); }
  double median() const {
    std::vector<double> sorted = ms;
    std::ranges::sort(sorted);
    return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
  }
};

/// Of each work, one after the other in every round.
std::vector<Turns> in_turns(const std::vector<Work>& works, int rounds, at::Device device,
                            std::stop_token stop) {
  std::vector<Turns> turns(works.size());
  const at::Tensor on_device = at::empty({1}, at::TensorOptions().device(device));
  for (int round = 0; round <= rounds; ++round) {  // round 0 warms up
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (stop.stop_requested()) throw Cancelled();
      const auto start = Clock::now();
      works[i]();
      if (on_device.is_cuda()) on_device.cpu();  // waits for the stream
      const double taken = ms_since(start);
      if (round > 0) turns[i].ms.push_back(taken);
    }
  }
  return turns;
}

/// The products of a pass in their order, each with weights that lie in memory as a model's do, and numbers
/// that matter to no kernel's speed. Of the experts of a mixture as many as a position goes through.
class Products {
 public:
  Products(const Decoder& decoder, std::stop_token stop)
      : options_(at::TensorOptions().dtype(decoder.weights().dtype()).device(decoder.weights().device())) {
    const ModelSpec& spec = decoder.spec();
    for (int l = 0; l < spec.num_layers(); ++l) {
      const LayerSpec& layer = spec.layers[static_cast<std::size_t>(l)];
      for (const Role role : products_of(layer)) {
        if (stop.stop_requested()) throw Cancelled();
        const bool expert = role == Role::ExpertGate || role == Role::ExpertUp || role == Role::ExpertDown;
        for (int i = 0; i < (expert ? layer.moe()->top_k : 1); ++i) add(parameter_shape(spec, role, l));
      }
    }
    add(parameter_shape(spec, Role::Head, -1));
  }

  bool packs() const { return Linear::packs(options_.device(), c10::typeMetaToScalarType(options_.dtype())); }
  const at::TensorOptions& options() const { return options_; }

  /// One after the other on `tokens` rows.
  Work plain(int tokens) const {
    return [this, inputs = inputs(tokens)] {
      for (const std::size_t i : order_) at::linear(inputs.at(plain_[i].size(1)), plain_[i]);
    };
  }
  Work packed(int tokens) const {
    return [this, inputs = inputs(tokens)] {
      for (const std::size_t i : order_) packed_[i](inputs.at(plain_[i].size(1)));
    };
  }

 private:
  /// A matrix of its own, until they are so many that no cache holds what is read again.
  void add(const std::vector<std::int64_t>& shape) {
    constexpr std::uint64_t enough = std::uint64_t{1} << 30;
    std::vector<std::size_t>& same = by_shape_[shape];
    std::size_t& next = next_[shape];
    if (same.empty() || bytes_ < enough) {
      plain_.push_back(at::full(shape, 0.01, options_));
      if (packs()) packed_.emplace_back(plain_.back(), at::Tensor());
      bytes_ += plain_.back().nbytes();
      same.push_back(plain_.size() - 1);
      order_.push_back(same.back());
    } else {
      order_.push_back(same[next++ % same.size()]);
    }
  }

  using Inputs = std::map<std::int64_t, at::Tensor>;  // by their columns
  Inputs inputs(int tokens) const {
    Inputs inputs;
    for (const at::Tensor& weight : plain_) {
      at::Tensor& input = inputs[weight.size(1)];
      if (!input.defined()) input = at::full({tokens, weight.size(1)}, 0.1, options_);
    }
    return inputs;
  }

  at::TensorOptions options_;
  std::vector<at::Tensor> plain_;
  std::vector<Linear> packed_;  // the same ones, where weights are packed
  std::vector<std::size_t> order_;
  std::map<std::vector<std::int64_t>, std::vector<std::size_t>> by_shape_;
  std::map<std::vector<std::int64_t>, std::size_t> next_;
  std::uint64_t bytes_ = 0;
};

double measured_read_bandwidth(at::TensorOptions options, int rounds, std::stop_token stop) {
  const at::Tensor block =
      at::ones({std::int64_t{1} << 27}, options.dtype(at::kFloat));  // 512 MiB: no cache holds it
  const double ms = in_turns({[&] { block.sum(); }}, rounds, block.device(), stop).front().fastest();
  return static_cast<double>(block.nbytes()) / (ms / 1000);
}

/// Of the process, in memory at once.
std::uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

TokenIds some_tokens(const ModelSpec& spec, int count) {
  TokenIds ids;
  for (int i = 0; i < count; ++i) ids.push_back(static_cast<int>((7919L * (i + 1)) % spec.vocab_size));
  return ids;
}

/// A run of a prompt whose baseline is known, with a column of every head of Q replaced in every layer.
Work disrupted_run(const std::shared_ptr<const LanguageModel>& model, RunRequest request,
                   std::stop_token stop) {
  auto runner = std::make_shared<Runner>(model);
  runner->run(request, {}, stop);
  request.edits = {parse_edit("site=q,pick=largest:1")};
  return [runner, request, stop] { runner->run(request, {}, stop); };
}

PrefillTiming time_prefill(const std::shared_ptr<const LanguageModel>& model, const Products& products,
                           int tokens, int rounds, std::stop_token stop) {
  const Decoder& decoder = model->decoder();
  const ModelSpec& spec = decoder.spec();
  const TokenIds ids = some_tokens(spec, tokens);
  const Needs norms{{Site::Query, Site::Key, Site::Value}, {}, {}, {}};
  Needs residual;  // what a map of layers and positions needs
  residual.activations = {{Site::ResidPost}, {}, 3, /*every_position=*/true};
  const auto pass = [&](const Needs* needs) {
    State cache(spec.num_layers());
    RequestTap tap(needs, nullptr, /*prefill=*/true, stop);
    decoder.logits(decoder.run_layers(decoder.embed(ids, cache), 0, spec.num_layers(), cache, tap), tap);
    Capture capture;
    tap.take(capture);
  };
  RunRequest request;
  request.prompt = ids;
  request.needs = norms;
  std::vector<Work> works = {[&] { pass(&norms); }, [&] { pass(nullptr); }, [&] { pass(&residual); },
                             disrupted_run(model, request, stop), products.plain(tokens)};
  if (products.packs()) works.push_back(products.packed(tokens));
  const std::vector<Turns> turns = in_turns(works, rounds, decoder.weights().device(), stop);
  PrefillTiming timing;
  timing.tokens = tokens;
  timing.ms = turns[0].fastest();
  timing.capture_overhead = timing.ms / turns[1].fastest() - 1;
  timing.residual_overhead = turns[2].median() / turns[1].median() - 1;
  timing.disrupted_ms = turns[3].fastest();
  timing.linear_ms = timing.products_ms = turns[4].fastest();
  if (products.packs()) {
    timing.packed_ms = turns[5].fastest();
    timing.products_ms = std::min(timing.linear_ms, *timing.packed_ms);
  }
  timing.ratio = timing.ms / timing.products_ms;
  return timing;
}

DecodeTiming time_decode(const Decoder& decoder, int context, double bandwidth, int rounds,
                         std::stop_token stop) {
  State cache(decoder.spec().num_layers());
  Tap tap;
  decoder.run_layers(decoder.embed(some_tokens(decoder.spec(), context), cache), 0,
                     decoder.spec().num_layers(), cache, tap);
  cache.advance(context);
  const auto step = [&] {
    decoder.step(1, cache, tap);
    cache.rollback(context);
  };
  DecodeTiming timing;
  timing.context = context;
  timing.ms_per_token = in_turns({step}, 4 * rounds, decoder.weights().device(), stop).front().fastest();
  timing.stored_bytes = decoder.weights().bytes_per_step();
  timing.bandwidth = bandwidth;
  timing.floor_ms = static_cast<double>(timing.stored_bytes) / bandwidth * 1000;
  timing.ratio = timing.ms_per_token / timing.floor_ms;
  return timing;
}

}  // namespace

Benchmark benchmark(const std::shared_ptr<const LanguageModel>& model, const std::vector<int>& prompt_tokens,
                    int rounds, std::stop_token stop) {
  const c10::InferenceMode inference;
  const Decoder& decoder = model->decoder();
  Benchmark result;
  result.memory = {decoder.weights().bytes(), peak_memory()};
  const Products products(decoder, stop);
  for (const int tokens : prompt_tokens)
    result.prefill.push_back(time_prefill(model, products, tokens, rounds, stop));
  const double bandwidth = measured_read_bandwidth(products.options(), rounds, stop);
  result.decode = time_decode(decoder, 128, bandwidth, rounds, stop);
  return result;
}

}  // namespace qkscope
