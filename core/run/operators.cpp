#include "core/run/operators.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/model/parallel.h"

namespace qkscope::ops {

namespace {

/// One pass over memory in its own order, a head at a time; sums in double. ATen's reduction over the first
/// axis of such a view costs ten times as much.
at::Tensor column_norms_cpu(const at::Tensor& x) {
  const at::Tensor dense = x.stride(2) == 1 ? x : x.contiguous();  // (position, head, head_dim)
  const std::int64_t positions = dense.size(0), heads = dense.size(1), dims = dense.size(2);
  at::Tensor norms = at::empty({heads, dims}, dense.options().dtype(at::kFloat));
  auto* out = norms.mutable_data_ptr<float>();
  constexpr std::int64_t worth_a_thread = 1 << 15;  // numbers
  const std::int64_t grain =
      std::max<std::int64_t>(1, worth_a_thread / std::max<std::int64_t>(1, positions * dims));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, dense.scalar_type(), "column_norms", [&] {
    const auto* data = dense.const_data_ptr<scalar_t>();
    at::parallel_for(0, heads, grain, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sums(static_cast<std::size_t>(dims));
      for (std::int64_t head = begin; head < end; ++head) {
        std::ranges::fill(sums, 0.0);
        double* const sum = sums.data();
        for (std::int64_t position = 0; position < positions; ++position) {
          const scalar_t* row = data + position * dense.stride(0) + head * dense.stride(1);
          for (std::int64_t dim = 0; dim < dims; ++dim) {
            const auto value = static_cast<double>(row[dim]);
            sum[dim] += value * value;
          }
        }
        for (std::int64_t dim = 0; dim < dims; ++dim)
          out[head * dims + dim] = static_cast<float>(std::sqrt(sum[dim]));
      }
    });
  });
  return norms;
}

at::Tensor column_norms_meta(const at::Tensor& x) {
  return at::empty({x.size(1), x.size(2)}, x.options().dtype(at::kFloat));
}

at::Tensor& replace_columns_cpu(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values) {
  return x.copy_(at::where(mask, values.to(x.scalar_type()), x));
}

at::Tensor& replace_columns_meta(at::Tensor& x, const at::Tensor&, const at::Tensor&) {
  return x;
}

TORCH_LIBRARY(qkscope, m) {
  m.def("column_norms(Tensor x) -> Tensor");
  m.def("replace_columns_(Tensor(a!) x, Tensor mask, Tensor values) -> Tensor(a!)");
}

TORCH_LIBRARY_IMPL(qkscope, CPU, m) {
  m.impl("column_norms", column_norms_cpu);
  m.impl("replace_columns_", replace_columns_cpu);
}

TORCH_LIBRARY_IMPL(qkscope, Meta, m) {
  m.impl("column_norms", column_norms_meta);
  m.impl("replace_columns_", replace_columns_meta);
}

}  // namespace

at::Tensor column_norms(const at::Tensor& x) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("qkscope::column_norms", "")
                             .typed<at::Tensor(const at::Tensor&)>();
  return op.call(x);
}

void replace_columns_(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("qkscope::replace_columns_", "")
                             .typed<at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  op.call(x, mask, values);
}

}  // namespace qkscope::ops
