#include "core/run/activation_places.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "core/base/error.h"

namespace qkscope {

namespace {

using Entries = std::vector<ActivationEntry>;  // positions known, ordered, each once

bool contains(const std::vector<int>& layers, int layer) {
  return layers.empty() || std::ranges::binary_search(layers, layer);
}

/// The numbers of one layer that become others.
class ActivationPlace : public EditPlace {
 public:
  ActivationPlace(const ActivationEdit& edit, Entries entries, SiteId where, at::Device device)
      : edit_(edit), entries_(std::move(entries)), where_(where), device_(device) {
    if (edit_.set == ActivationEdit::Set::Mean && !edit_.means.empty() && edit_.finds())
      require_stored_means();
  }

  at::Tensor edit(at::Tensor& x) const override {
    const Entries entries = at_positions(static_cast<int>(x.size(0)));
    std::vector<std::int64_t> flat;
    for (const ActivationEntry& entry : entries) flat.push_back(entry.position * x.size(1) + entry.dim);
    at::Tensor places = at::tensor(flat, at::kLong).to(device_);  // (n), into (T * C)
    at::Tensor numbers = x.to(at::kFloat).reshape({-1});
    if (edit_.control) places = of_median_size(numbers.abs(), places);
    const at::Tensor replaced = numbers.index_copy(0, places, values(entries, numbers, places));
    x.copy_(replaced.view(x.sizes()));
    return at::full({}, places.numel(), at::TensorOptions().dtype(at::kLong).device(x.device()));
  }

 private:
  /// Throws Error for a position that this pass has not.
  Entries at_positions(int positions) const {
    Entries all;
    for (const ActivationEntry& entry : entries_) {
      if (entry.position >= positions) {
        throw Error("The edit names position " + std::to_string(entry.position) + "; the prompt has " +
                    std::to_string(positions) + " tokens, counted from 0.");
      }
      const int first = std::max(entry.position, 0),
                last = entry.position == ActivationEntry::every ? positions : first + 1;
      for (int position = first; position < last; ++position) all.push_back({position, entry.dim});
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  /// As many as `places`, none of them: the next to the median, of equal ones the first.
  static at::Tensor of_median_size(const at::Tensor& sizes, const at::Tensor& places) {
    constexpr float far = std::numeric_limits<float>::infinity();
    const at::Tensor distance = (sizes - sizes.median()).abs().index_fill(0, places, far);
    return at::argsort(distance, /*stable=*/true, 0, /*descending=*/false).narrow(0, 0, places.numel());
  }

  /// What takes the place of each: (n) float32.
  at::Tensor values(const Entries& entries, const at::Tensor& numbers, const at::Tensor& places) const {
    switch (edit_.set) {
      case ActivationEdit::Set::Zero:
        return at::zeros({places.numel()}, numbers.options());
      case ActivationEdit::Set::Value:
        return at::full({places.numel()}, edit_.value, numbers.options());
      case ActivationEdit::Set::Mean:
        break;
    }
    if (!edit_.means.empty()) {
      std::vector<float> stored;
      for (const ActivationEntry& entry : entries) stored.push_back(stored_mean(entry));
      return at::tensor(stored, at::kFloat).to(device_);
    }
    // Of this pass: over the numbers of one dim, those of position 0 and the others apart.
    std::map<std::pair<bool, int>, std::int64_t> groups;
    std::vector<std::int64_t> group;
    for (const ActivationEntry& entry : entries)
      group.push_back(groups.try_emplace({entry.position == 0, entry.dim}, std::ssize(groups)).first->second);
    const at::Tensor index = at::tensor(group, at::kLong).to(device_),
                     taken = numbers.index_select(0, places).to(at::kDouble);
    const at::Tensor none = at::zeros({std::ssize(groups)}, taken.options());
    const at::Tensor sums = none.index_add(0, index, taken),
                     counts = none.index_add(0, index, at::ones_like(taken));
    return (sums / counts).index_select(0, index).to(at::kFloat);
  }

  /// Throws Error where none is stored.
  float stored_mean(const ActivationEntry& entry) const {
    const auto fits = [&](const ActivationMean& mean) {
      return mean.dim == entry.dim && (mean.layer == ActivationMean::every || mean.layer == where_.layer);
    };
    const auto found = std::ranges::find_if(edit_.means, fits);
    const std::optional<float> mean = found == edit_.means.end() ? std::nullopt
                                      : entry.position == 0      ? found->start
                                                                 : found->other;
    if (mean) return *mean;
    throw Error("The edit sets dim " + std::to_string(entry.dim) + " of layer " +
                std::to_string(where_.layer + 1) + " to its mean at position " +
                std::to_string(entry.position) + ", and no mean of it " +
                (entry.position == 0 ? "at the first position" : "after the first position") +
                " is stored; measure it on a corpus that has one there, or leave the means out.");
  }

  /// Asked for once before the pass, so that a mean that is missing is told at once.
  void require_stored_means() const {
    for (const ActivationEntry& entry : entries_) stored_mean(entry);
  }

  ActivationEdit edit_;
  Entries entries_;
  SiteId where_;
  at::Device device_;
};

/// What the rule takes in the baseline, by layer; layers without any are not there.
std::map<int, Entries> found(const ActivationEdit& edit, const ModelSpec& spec, const Capture& baseline,
                             bool in_all_layers) {
  std::map<int, Entries> by_layer;
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    if (!spec.has_site({layer, edit.site}) || !(in_all_layers || contains(edit.layers, layer))) continue;
    const auto summary = baseline.activations.find({layer, edit.site});
    if (summary == baseline.activations.end())
      throw Error("The baseline holds no activations of layer " + std::to_string(layer + 1) + ".");
    for (const ActivationAt& a : summary->second.taken_by(edit.rule))
      by_layer[layer].push_back({a.position, a.dim});
  }
  return by_layer;
}

/// All of the dims at the positions of the first layer.
std::map<int, Entries> as_published(const ActivationEdit& edit, const std::map<int, Entries>& by_layer) {
  if (by_layer.empty()) return {};
  const auto& [first, entries] = *by_layer.begin();
  std::set<int> positions, dims(edit.dims.begin(), edit.dims.end());
  for (const ActivationEntry& entry : entries) positions.insert(entry.position);
  if (dims.empty()) {
    for (const auto& [layer, all] : by_layer) {
      for (const ActivationEntry& entry : all) dims.insert(entry.dim);
    }
  }
  Entries written;
  for (const int position : positions) {
    for (const int dim : dims) written.push_back({position, dim});
  }
  return {{edit.layers.empty() ? first : edit.layers.front(), written}};
}

}  // namespace

void add_places(const ActivationEdit& edit, const ModelSpec& spec, const Capture& baseline, at::Device device,
                EditPlaces& places) {
  std::map<int, Entries> by_layer;
  if (!edit.finds()) {
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      if (contains(edit.layers, layer) && spec.has_site({layer, edit.site})) by_layer[layer] = edit.entries;
    }
  } else if (edit.scope == ActivationEdit::Scope::Published) {
    by_layer = as_published(edit, found(edit, spec, baseline, true));
  } else {
    by_layer = found(edit, spec, baseline, false);
    if (edit.scope == ActivationEdit::Scope::First && !by_layer.empty())
      by_layer.erase(std::next(by_layer.begin()), by_layer.end());
  }
  for (auto& [layer, entries] : by_layer) {
    const SiteId where{layer, edit.site};
    places[where].push_back(std::make_unique<ActivationPlace>(edit, std::move(entries), where, device));
  }
}

}  // namespace qkscope
