#include "core/run/intervention.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/model/rope.h"
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
    if (const RotationEdit* rotation = edit.rotation()) stop(*rotation, spec);
    if (const Disruption* disruption = edit.disruption())
      add_places(*disruption, spec, baseline, device, places_);
    if (const ActivationEdit* activations = edit.activations())
      add_places(*activations, spec, baseline, device, places_);
  }
}

void Intervention::stop(const RotationEdit& edit, const ModelSpec& spec) {
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    for (const Site site : {Site::Query, Site::Key}) {
      const std::vector<int> pairs = stopped_pairs(edit, spec, {layer, site});
      if (pairs.empty()) continue;
      const AttentionSpec& attention = *spec.attention(layer);
      Stopped& stopped = stopped_[{layer, site}];
      stopped.pairs.insert(pairs.begin(), pairs.end());
      stopped.factor = rope_frequencies(*attention.rope, spec.max_position_embeddings, 1).attention_factor;
      stopped.heads = site == Site::Query ? attention.num_heads : attention.num_kv_heads;
    }
  }
}

Needs Intervention::needs_of(const Edits& edits) {
  Needs needs;
  for (const Edit& edit : edits) {
    if (!edit.on) continue;
    Needs more;
    if (const Disruption* disruption = edit.disruption()) {
      if (disruption->reads_baseline()) more.norms = {Site::Query, Site::Key, Site::Value};
    } else if (const ActivationEdit* activations = edit.activations(); activations && activations->finds()) {
      more.activations.sites = {activations->site};
      more.activations.rule = activations->rule;
    }
    needs |= more;
  }
  return needs;
}

int Intervention::first_layer() const {
  const int edited = places_.empty() ? num_layers_ : places_.begin()->first.layer;
  return stopped_.empty() ? edited : std::min(edited, stopped_.begin()->first.layer);
}

bool Intervention::every_step() const {
  return !stopped_.empty() || std::ranges::any_of(places_, [](const auto& entry) {
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

Rotation Intervention::rotation(SiteId where, const Rotation& clean, bool prefill) {
  const auto it = stopped_.find(where);
  if (it == stopped_.end()) return clean;
  const Stopped& stopped = it->second;
  if (prefill) replaced_ += 2 * std::ssize(stopped.pairs) * stopped.heads;
  const std::vector<std::int64_t> list(stopped.pairs.begin(), stopped.pairs.end());
  const at::Tensor pairs = at::tensor(list, at::kLong).to(clean.cos.device());
  return {clean.cos.index_fill(2, pairs, stopped.factor), clean.sin.index_fill(2, pairs, 0)};
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
