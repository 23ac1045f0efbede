#include "core/model/rows/rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace qkscope::rows {

namespace {

/// Rows of `work` numbers each that are worth a thread of their own.
std::int64_t grain(std::int64_t work) {
  constexpr std::int64_t worth_a_thread = 1 << 15;
  return std::max<std::int64_t>(1, worth_a_thread / std::max<std::int64_t>(1, work));
}

template <typename Task>
void run(void (*kernel)(const Task&, std::int64_t, std::int64_t), const Task& task, std::int64_t rows,
         std::int64_t work_a_row) {
  at::parallel_for(0, rows, grain(work_a_row),
                   [&](std::int64_t first, std::int64_t last) { kernel(task, first, last); });
}

/// `x` as rows of its last axis, copied only where they are not at equal distances.
at::Tensor as_rows(const at::Tensor& x) {
  const at::Tensor flat = x.dim() == 2 ? x : x.reshape({-1, x.size(-1)});
  return flat.stride(1) == 1 ? flat : flat.contiguous();
}

}  // namespace

const Kernels& best_kernels() {
  static const Kernels* best = [] {
    const Kernels* found = plain_kernels();
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && avx2_kernels())
      found = avx2_kernels();
    if (__builtin_cpu_supports("avx512f") && avx512_kernels()) found = avx512_kernels();
#endif
    return found;
  }();
  return *best;
}

bool readable(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat;
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, const Kernels& kernels) {
  at::Tensor out = at::empty(x.sizes(), x.options());
  const at::Tensor in = as_rows(x), factor = weight.defined() ? weight.contiguous() : weight;
  const NormTask task{{in.const_data_ptr<float>(), in.stride(0)},
                      factor.defined() ? factor.const_data_ptr<float>() : nullptr,
                      static_cast<float>(eps),
                      in.size(1),
                      out.mutable_data_ptr<float>()};
  run(kernels.norm, task, in.size(0), in.size(1));
  return out;
}

at::Tensor gated(Gate gate, const at::Tensor& x, const Kernels& kernels) {
  const at::Tensor in = as_rows(x);
  const std::int64_t size = in.size(1) / 2;
  at::Tensor out = at::empty({in.size(0), size}, x.options());
  const GateTask task{gate, {in.const_data_ptr<float>(), in.stride(0)}, size, out.mutable_data_ptr<float>()};
  constexpr std::int64_t cost = 4;  // of an exponential
  run(kernels.gate, task, in.size(0), cost * size);
  return out;
}

at::Tensor rotated(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x,
                   const Kernels& kernels) {
  const at::Tensor in = x.stride(2) == 1 ? x : x.contiguous();
  at::Tensor out = at::empty(x.sizes(), x.options());  // (T, heads, D)
  const RotateTask task{in.const_data_ptr<float>(),
                        in.stride(0),
                        in.stride(1),
                        rotation.cos.const_data_ptr<float>(),
                        rotation.sin.const_data_ptr<float>(),
                        in.size(1),
                        in.size(2),
                        spec.rotary_start,
                        spec.rotary_dim / 2,
                        spec.interleaved,
                        out.mutable_data_ptr<float>()};
  run(kernels.rotate, task, in.size(0), in.size(1) * in.size(2));
  return out;
}

at::Tensor attended(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, double scale,
                    const Kernels& kernels) {
  const auto dense = [](const at::Tensor& t) { return t.stride(2) == 1 ? t : t.contiguous(); };
  const at::Tensor q = dense(query), k = dense(keys), v = dense(values);
  const std::int64_t heads = q.size(0), positions = k.size(1);
  at::Tensor out = at::empty({heads, 1, v.size(2)}, q.options());
  at::Tensor weights = at::empty({heads, positions}, q.options());
  const AttendTask task{{q.const_data_ptr<float>(), q.stride(0)},
                        k.const_data_ptr<float>(),
                        v.const_data_ptr<float>(),
                        k.stride(1),
                        v.stride(1),
                        k.stride(0),
                        v.stride(0),
                        positions,
                        heads / k.size(0),
                        k.size(2),
                        v.size(2),
                        static_cast<float>(scale),
                        out.mutable_data_ptr<float>(),
                        weights.mutable_data_ptr<float>()};
  run(kernels.attend, task, heads, positions * (k.size(2) + v.size(2)));
  return out;
}

}  // namespace qkscope::rows
