#include "core/model/linear.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>

namespace qkscope {

namespace {

// The two operators PyTorch's own compiler uses for frozen linear layers; libtorch has no C++ function for
// them.
at::Tensor pack(const at::Tensor& weight) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<at::Tensor(const at::Tensor&, std::optional<std::int64_t>)>();
  constexpr std::int64_t typical_rows = 128;
  return op.call(weight, typical_rows);
}

at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            c10::string_view, Scalars, std::optional<c10::string_view>)>();
  return op.call(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, "none", Scalars(),
                 std::nullopt);
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Which kernel wins differs from machine to machine, not from weight to weight: one trial a process, on a
/// shape small enough to cost a few milliseconds, at the row counts of a prompt and of a decode step. In
/// turns, and the fastest of each, so that what else the machine does decides nothing.
bool packing_wins() {
  static std::once_flag once;
  static bool wins = false;
  std::call_once(once, [] {
    const at::Tensor weight = at::ones({1024, 512});
    const at::Tensor packed = pack(weight);
    double packed_over_plain = 0;
    for (const std::int64_t rows : {1, 64}) {
      const at::Tensor x = at::ones({rows, 512});
      double plain_time = 1e30, packed_time = 1e30;
      for (int turn = 0; turn < 12; ++turn) {
        plain_time = std::min(plain_time, seconds([&] { at::linear(x, weight); }));
        packed_time = std::min(packed_time, seconds([&] { packed_linear(x, packed, {}); }));
      }
      packed_over_plain += packed_time / plain_time;
    }
    wins = packed_over_plain < 2;
  });
  return wins;
}

}  // namespace

Linear::Linear(at::Tensor weight, at::Tensor bias)
    : weight_(std::move(weight)), bias_(std::move(bias)), bytes_(weight_.nbytes()) {
  if (weight_.is_cpu() && weight_.scalar_type() == at::kFloat && packing_wins()) {
    weight_ = pack(weight_);
    packed_ = true;
  }
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (packed_) return packed_linear(x.contiguous(), weight_, bias_);
  return at::linear(x, weight_, bias_.defined() ? std::optional(bias_) : std::nullopt);
}

}  // namespace qkscope
