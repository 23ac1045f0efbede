#include "core/run/operators.h"

#include <ATen/ATen.h>
#include <torch/library.h>

namespace qkscope::ops {

namespace {

at::Tensor column_norms_cpu(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, at::IntArrayRef{0}, /*keepdim=*/false, at::kFloat);
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
