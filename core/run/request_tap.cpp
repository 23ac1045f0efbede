#include "core/run/request_tap.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/run/activation_summary.h"
#include "core/run/operators.h"
#include "core/run/tensor_array.h"

namespace qkscope {

namespace {

bool contains(const std::vector<int>& layers, int layer) {
  return layers.empty() || std::ranges::binary_search(layers, layer);
}

bool keeps_values(const Needs* needs, SiteId id) {
  return needs && needs->values.contains(id.site) &&
         (id.layer < 0 || contains(needs->value_layers, id.layer));
}

/// The query heads of a layer whose patterns are kept, HeadId::mean among them where their mean is.
std::vector<int> heads_of(const Needs* needs, int layer) {
  std::vector<int> heads;
  if (!needs) return heads;
  for (auto it = needs->patterns.lower_bound({layer, HeadId::mean});
       it != needs->patterns.end() && it->layer == layer; ++it)
    heads.push_back(it->head);
  return heads;
}

/// `x` without some of its rows, sorted.
at::Tensor rows_but(const at::Tensor& x, const std::vector<int>& left_out) {
  std::vector<std::int64_t> rest;
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    if (!std::ranges::binary_search(left_out, row)) rest.push_back(row);
  }
  return x.index_select(0, at::tensor(rest, at::kLong).to(x.device()));
}

}  // namespace

bool RequestTap::wants(SiteId id) const {
  return keeps_values(needs_, id) || (id.site == Site::AttnPattern && !heads_of(needs_, id.layer).empty());
}

void RequestTap::pulse(int layer, double part) {
  if (stop_.stop_requested()) throw Cancelled();
  if (!on_part || layer < 0 || ms_since(told_) < 50) return;
  told_ = Clock::now();
  on_part(layer, part);
}

Rotation RequestTap::rotation(SiteId id, const Rotation& angles) {
  return intervention_ ? intervention_->rotation(id, angles, prefill_) : angles;
}

at::Tensor RequestTap::with_before(SiteId id, const at::Tensor& x) const {
  return before ? at::cat({before->at(id), x}) : x;
}

at::Tensor RequestTap::operator()(SiteId id, at::Tensor x) {
  // Kept first: a stop between two layers leaves the lower one done.
  if (keep_residuals && id.site == Site::ResidPre) residuals_[id.layer] = with_before(id, x);
  if (stop_.stop_requested()) throw Cancelled();
  if (intervention_) {
    const at::Tensor changed = intervention_->apply(id, x, prefill_);
    if (!changed.is_same(x) && !intervention_->reaches_kv_cache(id)) clean_[id] = x;
    x = changed;
    if (id.site == Site::KeyCached || id.site == Site::ValueCached) {
      const SiteId used{id.layer, id.site == Site::KeyCached ? Site::Key : Site::Value};
      if (const auto it = clean_.find(used); it != clean_.end()) {
        x = it->second;
        clean_.erase(it);
      }
    }
  }
  if (needs_ && needs_->norms.contains(id.site) && contains(needs_->layers, id.layer)) {
    const at::Tensor all = with_before(id, x);
    norms_[id] = ops::column_norms(all);
    if (keep_rows) rows_[id] = all;
    if (!left_out.empty()) without_[id] = ops::column_norms(rows_but(x, left_out));
    if (on_norm && x.is_cpu()) on_norm(id, to_array(norms_[id]));
  }
  if (needs_ && id.layer >= 0 && needs_->activations.sites.contains(id.site)) {
    if (x.is_cpu()) {
      const ActivationNeeds& needs = needs_->activations;
      activations_[id] = summarize(x, needs.rule, needs.top, needs.every_position);
    } else {
      unsummarized_[id] = x;
    }
  }
  if (needs_ && id.layer >= 0 && needs_->row_norms.contains(id.site))
    row_norms_[id] = at::linalg_vector_norm(x.to(at::kFloat).reshape({x.size(0), -1}), 2, 1);
  if (id.site == Site::AttnPattern) {
    // A copy, or one head would hold on to all of the layer's.
    for (const int head : heads_of(needs_, id.layer)) {
      if (head == HeadId::mean) {
        patterns_[{id.layer, head}] = x.to(at::kFloat).mean(0);
      } else if (head < x.size(0)) {
        patterns_[{id.layer, head}] = x[head].clone();
      }
    }
  }
  // No clone: nothing writes into a tensor that went through a tap.
  if (keeps_values(needs_, id)) values_[id] = x;
  if (on_layer && id.site == Site::ResidPost) on_layer(id.layer);
  return x;
}

void RequestTap::take(Capture& capture) const {
  std::vector<at::Tensor> tensors;
  const auto in_turns = [this, &capture](const auto& visit) {
    visit(norms_, capture.norms);
    visit(without_, capture.without);
    visit(values_, capture.values);
    visit(patterns_, capture.patterns);
    visit(row_norms_, capture.row_norms);
  };
  in_turns([&tensors](const auto& kept, const auto&) {
    for (const auto& [id, tensor] : kept) tensors.push_back(tensor);
  });
  std::vector<Array> arrays = to_arrays(tensors);
  auto next = arrays.begin();
  in_turns([&next](const auto& kept, auto& taken) {
    for (const auto& [id, tensor] : kept) taken[id] = std::move(*next++);
  });
  for (const auto& [id, summary] : activations_) capture.activations[id] = summary;
  summarize_rest(capture);
}

void RequestTap::summarize_rest(Capture& capture) const {
  if (unsummarized_.empty()) return;
  std::vector<std::pair<SiteId, at::Tensor>> rest(unsummarized_.begin(), unsummarized_.end());
  // Those of a size together: they are gone over at once.
  std::ranges::stable_sort(rest, {}, [](const auto& kept) { return kept.second.numel(); });
  std::vector<at::Tensor> arrays;
  for (const auto& [id, tensor] : rest) arrays.push_back(tensor);
  const ActivationNeeds& needs = needs_->activations;
  std::vector<ActivationSummary> summaries =
      summarize_on_device(arrays, needs.rule, needs.top, needs.every_position);
  for (std::size_t i = 0; i < rest.size(); ++i) capture.activations[rest[i].first] = std::move(summaries[i]);
}

}  // namespace qkscope
