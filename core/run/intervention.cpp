#include "core/run/intervention.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/run/activation_places.h"
#include "core/run/column_places.h"

namespace qkscope {

Intervention::Intervention(const Edits& edits, const ModelSpec& spec, const Capture& baseline,
                           at::Device device)
    : replaced_(at::zeros({}, at::TensorOptions().dtype(at::kLong).device(device))),
      num_layers_(spec.num_layers()) {
  for (const Edit& edit : edits) {
    check_edit(edit, spec);
    if (!edit.on) continue;
    std::visit([&](const auto& what) { add_places(what, spec, baseline, device, places_); }, edit.what);
  }
}

Needs Intervention::needs_of(const Edits& edits) {
  Needs needs;
  for (const Edit& edit : edits) {
    if (!edit.on) continue;
    Needs more;
    if (const Disruption* disruption = edit.disruption()) {
      if (disruption->reads_baseline()) more.norms = {Site::Query, Site::Key, Site::Value};
    } else if (const ActivationEdit* activations = edit.activations(); activations->finds()) {
      more.activations.sites = {activations->site};
      more.activations.rule = activations->rule;
    }
    needs |= more;
  }
  return needs;
}

int Intervention::first_layer() const {
  return places_.empty() ? num_layers_ : places_.begin()->first.layer;
}

bool Intervention::every_step() const {
  return std::ranges::any_of(places_, [](const auto& entry) {
    return std::ranges::any_of(entry.second, [](const auto& place) { return place->every_step; });
  });
}

at::Tensor Intervention::apply(SiteId where, const at::Tensor& x, bool prefill) {
  const auto it = places_.find(where);
  if (it == places_.end()) return x;
  at::Tensor result = x;
  for (const auto& place : it->second) {
    if (!prefill && !place->every_step) continue;
    if (result.is_same(x)) result = x.clone();
    const at::Tensor count = place->edit(result);
    if (prefill) replaced_ += count;
  }
  return result;
}

bool Intervention::reaches_kv_cache(SiteId where) const {
  const auto it = places_.find(where);
  return it == places_.end() ||
         std::ranges::all_of(it->second, [](const auto& place) { return place->reaches_kv_cache; });
}

std::int64_t Intervention::replaced() const {
  return replaced_.item<std::int64_t>();
}

}  // namespace qkscope
