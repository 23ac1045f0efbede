#include "core/model/rows/rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>

#include "core/model/parallel.h"

namespace qkscope::rows {

namespace {

const Kernels& kernels_for(Instructions set) {
  return *made_for(set, plain_kernels, avx2_kernels, avx512_kernels)();
}

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

bool readable(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat;
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, Instructions set) {
  at::Tensor out = at::empty(x.sizes(), x.options());
  const at::Tensor in = as_rows(x), factor = weight.defined() ? weight.contiguous() : weight;
  const NormTask task{{in.const_data_ptr<float>(), in.stride(0)},
                      factor.defined() ? factor.const_data_ptr<float>() : nullptr,
                      static_cast<float>(eps),
                      in.size(1),
                      out.mutable_data_ptr<float>()};
  run(kernels_for(set).norm, task, in.size(0), in.size(1));
  return out;
}

at::Tensor gated(Gate gate, const at::Tensor& x, Instructions set) {
  const at::Tensor in = as_rows(x);
  const std::int64_t size = in.size(1) / 2;
  at::Tensor out = at::empty({in.size(0), size}, x.options());
  const GateTask task{gate, {in.const_data_ptr<float>(), in.stride(0)}, size, out.mutable_data_ptr<float>()};
  constexpr std::int64_t cost = 4;  // of an exponential
  run(kernels_for(set).gate, task, in.size(0), cost * size);
  return out;
}

at::Tensor rotated(const RopeSpec& spec, const Rotation& rotation, const at::Tensor& x, Instructions set) {
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
  run(kernels_for(set).rotate, task, in.size(0), in.size(1) * in.size(2));
  return out;
}

namespace {

/// (heads, positions, dims)
Heads heads_of(const at::Tensor& x) {
  return {x.const_data_ptr<float>(), x.stride(1), x.stride(0)};
}

/// Of queries (H, 1, D) over all of keys and values, into (H, Dv).
void attend_one(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale, float* out,
                Instructions set) {
  const std::int64_t heads = q.size(0), positions = k.size(1);
  at::Tensor weights = at::empty({heads, positions}, q.options());
  const AttendTask task{heads_of(q),
                        heads_of(k),
                        heads_of(v),
                        positions,
                        heads / k.size(0),
                        k.size(2),
                        v.size(2),
                        static_cast<float>(scale),
                        out,
                        weights.mutable_data_ptr<float>()};
  run(kernels_for(set).attend, task, heads, positions * (k.size(2) + v.size(2)));
}

std::int64_t rounded_up(std::int64_t x, std::int64_t step) {
  return (x + step - 1) / step * step;
}

/// Of queries (H, T, D), into (T, H, Dv).
void attend_many(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                 std::span<const Seen> seen, float* out, const Kernels& kernels) {
  const std::int64_t heads = q.size(0), queries = q.size(1), dims = q.size(2);
  const std::int64_t kv_heads = k.size(0), positions = k.size(1), value_dims = v.size(2);
  const std::int64_t padded = rounded_up(positions, kernels.tile_keys);
  const at::Tensor packed = at::empty({kv_heads, padded * dims}, q.options());
  run(kernels.pack_keys, PackTask{heads_of(k), positions, dims, packed.mutable_data_ptr<float>()},
      kv_heads * padded / kernels.tile_keys, kernels.tile_keys * dims);
  const AttendManyTask task{heads_of(q), packed.const_data_ptr<float>(),
                            heads_of(v), queries,
                            positions,   heads / kv_heads,
                            seen.data(), dims,
                            value_dims,  static_cast<float>(scale),
                            out,         heads * value_dims};
  const std::int64_t tiles = rounded_up(queries, kernels.tile_queries) / kernels.tile_queries;
  const std::int64_t work = kernels.tile_queries * positions / 2 * (dims + value_dims);
  at::parallel_for(0, heads * tiles, grain(work), [&](std::int64_t first, std::int64_t last) {
    const auto room = std::make_unique_for_overwrite<float[]>(
        static_cast<std::size_t>(kernels.tile_queries * (dims + padded)));
    kernels.attend_many(task, first, last, room.get());
  });
}

}  // namespace

at::Tensor attended(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, double scale,
                    std::span<const Seen> seen, Instructions set) {
  const auto dense = [](const at::Tensor& t) { return t.stride(2) == 1 ? t : t.contiguous(); };
  const at::Tensor q = dense(query), k = dense(keys), v = dense(values);
  const Kernels& kernels = kernels_for(set);
  const std::int64_t heads = q.size(0), queries = q.size(1);
  at::Tensor out = at::empty({queries, heads, v.size(2)}, q.options());
  auto* numbers = out.mutable_data_ptr<float>();
  if (queries >= kernels.tile_queries) {
    attend_many(q, k, v, scale, seen, numbers, kernels);
  } else {
    for (std::int64_t i = 0; i < queries; ++i) {
      const auto [first, last] = seen[static_cast<std::size_t>(i)];
      attend_one(q.narrow(1, i, 1), k.narrow(1, first, last - first), v.narrow(1, first, last - first), scale,
                 numbers + i * heads * v.size(2), set);
    }
  }
  return out.transpose(0, 1);
}

}  // namespace qkscope::rows
