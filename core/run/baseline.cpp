#include "core/run/baseline.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <iterator>

#include "core/base/capture_bytes.h"

namespace qkscope {

namespace {

bool contains(const std::vector<int>& layers, int layer) {
  return layers.empty() || std::ranges::binary_search(layers, layer);
}

template <typename Place>
std::set<Place> without(const std::set<Place>& places, const std::set<Place>& others) {
  std::set<Place> rest;
  std::ranges::set_difference(places, others, std::inserter(rest, rest.end()));
  return rest;
}

}  // namespace

Baseline::Sites Baseline::of_layer(int layer, const Needs& needs) {
  Sites sites;
  if (layer < 0) {
    if (needs.values.contains(Site::Logits)) sites.values = {Site::Logits};
    return sites;
  }
  if (contains(needs.layers, layer)) sites.norms = needs.norms;
  if (contains(needs.value_layers, layer)) sites.values = without(needs.values, std::set{Site::Logits});
  sites.activations = needs.activations;
  sites.row_norms = needs.row_norms;
  std::ranges::copy_if(needs.patterns, std::inserter(sites.patterns, sites.patterns.end()),
                       [layer](const HeadId& head) { return head.layer == layer; });
  return sites;
}

Needs Baseline::missing(int layer, const Needs& needs) const {
  const Sites wanted = of_layer(layer, needs);
  const auto kept = kept_.find(layer);
  const Sites have = kept == kept_.end() ? Sites() : kept->second;
  const bool all = prefill.run->capture.left_out.empty();
  Needs more{without(wanted.norms, all ? have.norms : have.without),
             without(wanted.values, have.values),
             {layer},
             {layer}};
  more.patterns = without(wanted.patterns, have.patterns);
  more.row_norms = without(wanted.row_norms, have.row_norms);
  Needs joined;
  joined.activations = have.activations;
  Needs asked;
  asked.activations = wanted.activations;
  // Looser than what is kept: all of it anew.
  if ((joined |= asked).activations != have.activations) more.activations = joined.activations;
  return more;
}

void Baseline::note(int layer, const Needs& needs) {
  const Sites sites = of_layer(layer, needs);
  kept_[layer].norms.insert(sites.norms.begin(), sites.norms.end());
  if (!prefill.run->capture.left_out.empty())
    kept_[layer].without.insert(sites.norms.begin(), sites.norms.end());
  kept_[layer].values.insert(sites.values.begin(), sites.values.end());
  kept_[layer].patterns.insert(sites.patterns.begin(), sites.patterns.end());
  kept_[layer].row_norms.insert(sites.row_norms.begin(), sites.row_norms.end());
  Needs kept, more;
  kept.activations = kept_[layer].activations;
  more.activations = sites.activations;
  kept_[layer].activations = (kept |= more).activations;
}

void Baseline::leave_out(std::vector<int> positions) {
  Capture& capture = prefill.run->capture;
  if (positions == capture.left_out) return;
  capture.left_out = std::move(positions);
  capture.without.clear();
  for (auto& [layer, kept] : kept_) kept.without.clear();
}

std::uint64_t Baseline::bytes() const {
  const auto held = [](const at::Tensor& tensor) { return tensor.defined() ? tensor.nbytes() : 0; };
  std::uint64_t sum =
      prefill.cache.bytes() + held(prefill.residual) + held(prefill.logits) + bytes_of(prefill.run->capture);
  for (const auto& [layer, residual] : prefill.residuals) sum += residual.nbytes();
  for (const auto& [id, kept] : rows) sum += kept.nbytes();
  return sum + (generation ? generation->cache.bytes_beside(prefill.cache) : 0);
}

std::shared_ptr<Baseline> BaselineStore::find(const TokenIds& prompt) {
  const auto found = std::ranges::find_if(list_, [&](const auto& b) { return b->prompt == prompt; });
  if (found == list_.end()) return nullptr;
  list_.splice(list_.begin(), list_, found);
  return list_.front();
}

void BaselineStore::trim() {
  std::uint64_t sum = 0;
  std::size_t fit = 0;
  for (const auto& baseline : list_) {
    sum += baseline->bytes();
    if (fit == most_baselines_ || (fit > 0 && sum > most_bytes_)) break;
    ++fit;
  }
  list_.resize(fit);
}

}  // namespace qkscope
