#include "core/run/intervention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "core/analysis/massive_values.h"
#include "core/base/error.h"
#include "core/run/operators.h"

namespace qkscope {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Place of each entry when the last axis is sorted by `key`, ascending; equal keys in index order.
at::Tensor rank(const at::Tensor& key) {
  return at::argsort(at::argsort(key, /*stable=*/true, -1, /*descending=*/false), /*stable=*/true, -1, false);
}

bool covers_site(const Disruption& disruption, Site site) {
  return site == Site::Query ? disruption.query : site == Site::Key ? disruption.key : disruption.value;
}

bool takes_none(const Pick& pick) {
  return pick.kind != PickKind::Lambda && !pick.as_many_as_lambda && pick.n <= 0;
}

/// (heads, 1) bool: the heads of `site` a disruption covers, query heads mapped to the KV heads that serve
/// them.
at::Tensor covered_heads(const Disruption& disruption, Site site, const AttentionSpec& attention) {
  const int heads = site == Site::Query ? attention.num_heads : attention.num_kv_heads;
  if (disruption.heads.empty()) return at::ones({heads, 1}, at::kBool);
  at::Tensor covered = at::zeros({heads, 1}, at::kBool);
  for (const int head : disruption.heads) {
    if (head < attention.num_heads)
      covered[site == Site::Query ? head : head / attention.num_kv_groups()].fill_(true);
  }
  return covered;
}

/// Throws Error for a layer or a head that the model has not.
void check_names(const Disruption& disruption, const ModelSpec& spec) {
  const auto check = [](const char* what, const std::vector<int>& named, int count, const char* all) {
    for (const int index : named) {
      if (index >= 0 && index < count) continue;
      throw Error(std::string("The disruption names ") + what + " " + std::to_string(index + 1) +
                  "; the model has " + std::to_string(count) + " " + all + ".");
    }
  };
  check("layer", disruption.layers, spec.num_layers(), "layers");
  check("head", disruption.heads, spec.num_heads(), "query heads");
}

/// What takes the place of the chosen columns: (heads, D) float32, pooled in float32 over this pass.
at::Tensor replacement(const Disruption& disruption, const at::Tensor& x, const at::Tensor& mask) {
  const std::int64_t heads = x.size(1), dims = x.size(2);
  const at::Tensor values = x.to(at::kFloat);
  const auto spread = [&](const at::Tensor& per_head) { return per_head.unsqueeze(1).expand({heads, dims}); };
  const bool own = disruption.pool == Pool::Own, chosen = disruption.pool == Pool::Chosen;
  switch (disruption.replace) {
    case Replace::Zero:
      return at::zeros({heads, dims}, values.options());
    case Replace::Mean: {
      const at::Tensor columns = values.mean(0);  // (heads, D)
      if (own) return columns;
      if (!chosen) return spread(columns.mean(1));
      return spread((columns * mask).sum(1) / mask.sum(1).clamp_min(1));
    }
    case Replace::Max:
    case Replace::Min: {
      const bool max = disruption.replace == Replace::Max;
      at::Tensor columns = max ? values.amax(0) : values.amin(0);  // (heads, D)
      if (own) return columns;
      if (chosen) columns = at::where(mask, columns, max ? -infinity : infinity);
      return spread(max ? columns.amax(1) : columns.amin(1));
    }
  }
  throw Error("Unknown replacement.");
}

}  // namespace

Intervention::Intervention(const std::vector<Disruption>& disruptions, const ModelSpec& spec,
                           const Capture& baseline, at::Device device)
    : disruptions_(disruptions), first_layer_(spec.num_layers()) {
  replaced_ = at::zeros({}, at::TensorOptions().dtype(at::kLong).device(device));
  for (const Disruption& disruption : disruptions_) {
    check_names(disruption, spec);
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      if (!disruption.covers_layer(layer)) continue;
      for (const Site site : {Site::Query, Site::Key, Site::Value}) {
        if (!covers_site(disruption, site) || !spec.has_site({layer, site})) continue;
        if (add_place(disruption, {layer, site}, *spec.attention(layer), baseline, device))
          first_layer_ = std::min(first_layer_, layer);
      }
    }
  }
}

/// Whether there is anything to replace, as far as can be known beforehand.
bool Intervention::add_place(const Disruption& disruption, SiteId where, const AttentionSpec& attention,
                             const Capture& baseline, at::Device device) {
  const at::Tensor covered = covered_heads(disruption, where.site, attention);
  const bool by_position = disruption.mask == Mask::Position;
  const std::int64_t heads = by_position ? 1 : covered.size(0);
  const int dims = where.site == Site::Value ? attention.value_dim : attention.head_dim;
  Place place{&disruption, covered.to(device), {}, {}, {}};
  if (by_position) {
    place.heads = at::ones({1, 1}, at::kBool).to(device);
    place.indices = covered.squeeze(1).nonzero().squeeze(1).to(device);
  }
  if (disruption.mask == Mask::Clean) {
    const Array* m = baseline.norm(where.layer, where.site);
    if (!m) throw Error("The baseline holds no M of layer " + std::to_string(where.layer + 1) + ".");
    const at::Tensor chosen = at::tensor(select(*m, disruption.pick, where), at::kByte)
                                  .view({heads, dims})
                                  .to(at::kBool)
                                  .bitwise_and(covered);
    if (!chosen.any().item<bool>()) return false;
    place.clean = chosen.to(device);
  } else if (takes_none(disruption.pick)) {
    return false;
  } else if (disruption.pick.kind == PickKind::Random) {
    at::Tensor order = at::empty({heads, dims}, at::kLong);
    for (int h = 0; h < heads; ++h)
      order[h].copy_(at::tensor(random_order(dims, disruption.pick.seed, where, h), at::kLong));
    place.random_rank = at::argsort(order).to(device);
  }
  places_[where].push_back(std::move(place));
  return true;
}

int Intervention::first_layer() const {
  return first_layer_;
}

bool Intervention::every_step() const {
  return std::ranges::any_of(places_, [](const auto& entry) {
    return std::ranges::any_of(
        entry.second, [](const Place& place) { return place.disruption->phase == Phase::EveryStep; });
  });
}

at::Tensor Intervention::mask(const Place& place, const at::Tensor& x) const {
  if (place.clean.defined()) return place.clean;
  // The tensor form of select(): a test holds the two together.
  const Pick& pick = place.disruption->pick;
  const at::Tensor m = ops::column_norms(x);  // (heads, D)
  const at::Tensor massive = m > m.mean(1, /*keepdim=*/true) * pick.lambda;
  if (pick.kind == PickKind::Lambda) return massive.bitwise_and(place.heads);
  const at::Tensor unknown = m.ne(m);
  at::Tensor place_in_order = place.random_rank;
  if (pick.kind == PickKind::Largest) place_in_order = rank(at::where(unknown, infinity, m.neg()));
  if (pick.kind == PickKind::Smallest) place_in_order = rank(at::where(unknown, infinity, m));
  const at::Tensor taken = pick.as_many_as_lambda ? place_in_order < massive.sum(1, /*keepdim=*/true)
                                                  : place_in_order < static_cast<std::int64_t>(pick.n);
  return taken.bitwise_and(unknown.bitwise_not()).bitwise_and(place.heads);
}

at::Tensor Intervention::apply(SiteId where, const at::Tensor& x, bool prefill) {
  const auto it = places_.find(where);
  if (it == places_.end()) return x;
  at::Tensor result = x;
  for (const Place& place : it->second) {
    if (!prefill && place.disruption->phase != Phase::EveryStep) continue;
    if (result.is_same(x)) result = x.clone();
    if (place.disruption->mask == Mask::Position) {
      at::Tensor part = result.index_select(1, place.indices);
      at::Tensor turned = part.transpose(0, 1);  // positions in the place of heads
      replace(place, turned, prefill);
      result.index_copy_(1, place.indices, part);
    } else {
      replace(place, result, prefill);
    }
  }
  return result;
}

void Intervention::replace(const Place& place, at::Tensor& x, bool counts) {
  const at::Tensor chosen = mask(place, x);
  ops::replace_columns_(x, chosen, replacement(*place.disruption, x, chosen));
  if (counts) replaced_ += chosen.sum();
}

bool Intervention::reaches_kv_cache(SiteId where) const {
  const auto it = places_.find(where);
  return it == places_.end() || std::ranges::all_of(it->second, [](const Place& place) {
           return place.disruption->reaches_kv_cache;
         });
}

std::int64_t Intervention::replaced() const {
  return replaced_.item<std::int64_t>();
}

}  // namespace qkscope
