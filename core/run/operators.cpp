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

/// finish(sum over t of term(x[t, h, d])): one pass over memory in its own order, a head at a time; sums in
/// double. ATen's reduction over the first axis of such a view costs ten times as much.
template <typename Term, typename Finish>
at::Tensor reduced_columns(const at::Tensor& x, Term term, Finish finish) {
  const at::Tensor dense = x.stride(2) == 1 ? x : x.contiguous();  // (position, head, head_dim)
  const std::int64_t positions = dense.size(0), heads = dense.size(1), dims = dense.size(2);
  at::Tensor reduced = at::empty({heads, dims}, dense.options().dtype(at::kFloat));
  auto* out = reduced.mutable_data_ptr<float>();
  constexpr std::int64_t worth_a_thread = 1 << 15;  // numbers
  const std::int64_t grain =
      std::max<std::int64_t>(1, worth_a_thread / std::max<std::int64_t>(1, positions * dims));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, dense.scalar_type(), "reduced_columns", [&] {
    const auto* data = dense.const_data_ptr<scalar_t>();
    at::parallel_for(0, heads, grain, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sums(static_cast<std::size_t>(dims));
      for (std::int64_t head = begin; head < end; ++head) {
        std::ranges::fill(sums, 0.0);
        double* const sum = sums.data();
        for (std::int64_t position = 0; position < positions; ++position) {
          const scalar_t* row = data + position * dense.stride(0) + head * dense.stride(1);
          for (std::int64_t dim = 0; dim < dims; ++dim) sum[dim] += term(static_cast<double>(row[dim]));
        }
        for (std::int64_t dim = 0; dim < dims; ++dim)
          out[head * dims + dim] = static_cast<float>(finish(sum[dim]));
      }
    });
  });
  return reduced;
}

at::Tensor column_norms_cpu(const at::Tensor& x) {
  return reduced_columns(
      x, [](double value) { return value * value; }, [](double sum) { return std::sqrt(sum); });
}

at::Tensor column_norms_meta(const at::Tensor& x) {
  return at::empty({x.size(1), x.size(2)}, x.options().dtype(at::kFloat));
}

at::Tensor& replace_columns_cpu(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values) {
  const at::Tensor chosen = mask.contiguous(), with = values.to(x.scalar_type()).contiguous();
  const std::int64_t positions = x.size(0), heads = x.size(1), dims = x.size(2);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "replace_columns_", [&] {
    auto* data = x.mutable_data_ptr<scalar_t>();
    const auto* value = with.const_data_ptr<scalar_t>();
    const bool* is_chosen = chosen.const_data_ptr<bool>();
    std::vector<std::int64_t> columns;  // few of many: the others are not touched
    for (std::int64_t head = 0; head < heads; ++head) {
      columns.clear();
      for (std::int64_t dim = 0; dim < dims; ++dim) {
        if (is_chosen[head * dims + dim]) columns.push_back(dim);
      }
      if (columns.empty()) continue;
      for (std::int64_t position = 0; position < positions; ++position) {
        scalar_t* row = data + position * x.stride(0) + head * x.stride(1);
        for (const std::int64_t dim : columns) row[dim * x.stride(2)] = value[head * dims + dim];
      }
    }
  });
  return x;
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

at::Tensor column_means(const at::Tensor& x) {
  if (!x.is_cpu()) return x.to(at::kFloat).mean(0);
  const auto positions = static_cast<double>(x.size(0));
  return reduced_columns(
      x, [](double value) { return value; }, [positions](double sum) { return sum / positions; });
}

void replace_columns_(at::Tensor& x, const at::Tensor& mask, const at::Tensor& values) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("qkscope::replace_columns_", "")
                             .typed<at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  op.call(x, mask, values);
}

}  // namespace qkscope::ops
