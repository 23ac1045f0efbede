#include "core/model/linear.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "core/model/products/product.h"

namespace qkscope {

namespace {

/// A GPU's kernels, and with them the last digits, go by the number of rows. A few are computed as so many as
/// ever are computed side by side, the others whatever they hold: what comes of a row does not depend on
/// those beside it.
at::Tensor linear_of_few(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias) {
  at::Tensor padded = at::empty({few_rows, x.size(1)}, x.options());
  padded.narrow(0, 0, x.size(0)).copy_(x);
  return at::linear(padded, weight, bias).narrow(0, 0, x.size(0));
}

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

/// By rule, never by a race: two starts on one machine compute the same last digits whatever else it does.
/// oneDNN's packed weights won at every shape of a prompt and of a decode step that was measured on
/// processors with AVX2, for which its kernels are written.
bool packing_wins() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
  return false;
#endif
}

}  // namespace

Linear::Linear(at::Tensor weight, at::Tensor bias, std::shared_ptr<const StoredMatrix> stored)
    : weight_(std::move(weight)), bias_(std::move(bias)), stored_(std::move(stored)) {
  if (!weight_.defined()) return;
  bytes_ = weight_.nbytes();
  if (packs(weight_.device(), weight_.scalar_type())) {
    weight_ = pack(weight_);
    packed_ = true;
  }
}

bool Linear::packs(at::Device device, at::ScalarType dtype) {
  return device.is_cpu() && dtype == at::kFloat && packing_wins();
}

std::uint64_t Linear::bytes_of_step() const {
  return stored_ ? stored_->bytes() : bytes_;
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (stored_ && (!weight_.defined() || x.numel() <= few_rows * stored_->columns()))
    return product(*stored_, x, bias_);
  if (packed_) return packed_linear(x.contiguous(), weight_, bias_);
  const auto bias = bias_.defined() ? std::optional(bias_) : std::nullopt;
  if (x.is_cuda() && x.dim() == 2 && x.size(0) < few_rows) return linear_of_few(x, weight_, bias);
  return at::linear(x, weight_, bias);
}

at::Tensor Table::operator()(const at::Tensor& index) const {
  if (!stored_) return at::embedding(floats_, index);
  at::Tensor rows = at::empty({index.size(0), stored_->columns()}, at::kFloat);
  const at::Tensor wanted = index.contiguous();
  for (std::int64_t i = 0; i < wanted.size(0); ++i)
    stored_->read_row(wanted.const_data_ptr<std::int64_t>()[i],
                      rows.mutable_data_ptr<float>() + i * stored_->columns());
  return rows;
}

}  // namespace qkscope
