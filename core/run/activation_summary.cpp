#include "core/run/activation_summary.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

/// The numbers of `values` (T * C) at `places`, in their order.
std::vector<ActivationAt> activations_at(const at::Tensor& values, const at::Tensor& places,
                                         std::int64_t dims) {
  const at::Tensor host_places = places.to(at::kCPU).contiguous();
  const at::Tensor host_values = values.index_select(0, places).to(at::kCPU).contiguous();
  const auto* place = host_places.const_data_ptr<std::int64_t>();
  const auto* value = host_values.const_data_ptr<float>();
  std::vector<ActivationAt> list;
  for (std::int64_t i = 0; i < host_places.numel(); ++i)
    list.push_back({static_cast<int>(place[i] / dims), static_cast<int>(place[i] % dims), value[i]});
  return list;
}

}  // namespace

ActivationSummary summarize(const at::Tensor& x, const ActivationRule& rule, int top, bool every_position) {
  if (x.dim() != 2 || x.numel() == 0) {
    throw Error("Activations are summarised of (positions, hidden_size), not of an array of shape " +
                shape_text(x.sizes().vec()));
  }
  const at::Tensor values = x.to(at::kFloat).reshape({-1}), sizes = values.abs();  // (T * C)
  ActivationSummary summary;
  summary.rule = rule;
  summary.median = sizes.median().item<float>();  // of an even count the lower
  const auto most = std::get<1>(at::topk(sizes, std::min<std::int64_t>(top, sizes.numel())));
  summary.top = activations_at(values, most, x.size(1));
  // In double, as ActivationRule::takes() compares.
  const double over = std::max(rule.least, rule.times_median * static_cast<double>(summary.median));
  const at::Tensor taken = (sizes.to(at::kDouble) > over).nonzero().squeeze(1);
  summary.massive = activations_at(values, taken, x.size(1));
  if (every_position) {
    const at::Tensor dims = sizes.view(x.sizes()).argmax(1),  // (T)
        rows = at::arange(x.size(0), dims.options()) * x.size(1);
    summary.largest = activations_at(values, rows + dims, x.size(1));
  }
  return summary;
}

}  // namespace qkscope
