#include "core/run/column_places.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <span>

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

/// What takes the place of the chosen columns: (heads, D) float32, pooled in float32 over this pass.
at::Tensor replacement(const Disruption& disruption, const at::Tensor& x, const at::Tensor& mask) {
  const std::int64_t heads = x.size(1), dims = x.size(2);
  const auto spread = [&](const at::Tensor& per_head) { return per_head.unsqueeze(1).expand({heads, dims}); };
  const bool own = disruption.pool == Pool::Own, chosen = disruption.pool == Pool::Chosen;
  switch (disruption.replace) {
    case Replace::Zero:
      return at::zeros({heads, dims}, x.options().dtype(at::kFloat));
    case Replace::Mean: {
      const at::Tensor columns = ops::column_means(x);  // (heads, D)
      if (own) return columns;
      if (!chosen) return spread(columns.mean(1));
      return spread((columns * mask).sum(1) / mask.sum(1).clamp_min(1));
    }
    case Replace::Max:
    case Replace::Min: {
      const bool max = disruption.replace == Replace::Max;
      const at::Tensor values = x.to(at::kFloat);
      at::Tensor columns = max ? values.amax(0) : values.amin(0);  // (heads, D)
      if (own) return columns;
      if (chosen) columns = at::where(mask, columns, max ? -infinity : infinity);
      return spread(max ? columns.amax(1) : columns.amin(1));
    }
  }
  throw Error("Unknown replacement.");
}

class ColumnPlace : public EditPlace {
 public:
  explicit ColumnPlace(std::shared_ptr<const Disruption> d) : disruption(std::move(d)) {
    every_step = disruption->phase == Phase::EveryStep;
    reaches_kv_cache = disruption->reaches_kv_cache;
  }

  at::Tensor edit(at::Tensor& x) const override {
    if (!indices.defined()) return replace(x);
    at::Tensor part = x.index_select(1, indices);
    at::Tensor turned = part.transpose(0, 1);  // positions in the place of heads
    const at::Tensor count = replace(turned);
    x.index_copy_(1, indices, part);
    return count;
  }

  std::shared_ptr<const Disruption> disruption;
  at::Tensor heads;        // (heads, 1) bool
  at::Tensor known;        // (heads, D) bool; undefined where the mask is found in the pass
  at::Tensor random_rank;  // (heads, D): place in the random order, for PickKind::Random
  at::Tensor indices;      // (covered heads), for Mask::Position, of whose positions `heads` and the random
                           // order are one for all

 private:
  at::Tensor mask(const at::Tensor& x) const {
    if (known.defined()) return known;
    // The tensor form of select(): a test holds the two together.
    const Pick& pick = disruption->pick;
    const at::Tensor m = ops::column_norms(x);  // (heads, D)
    const at::Tensor massive = m > m.mean(1, /*keepdim=*/true) * pick.lambda;
    if (pick.kind == PickKind::Lambda) return massive.bitwise_and(heads);
    const at::Tensor unknown = m.ne(m);
    at::Tensor place_in_order = random_rank;
    if (pick.kind == PickKind::Largest) place_in_order = rank(at::where(unknown, infinity, m.neg()));
    if (pick.kind == PickKind::Smallest) place_in_order = rank(at::where(unknown, infinity, m));
    const at::Tensor taken = pick.as_many_as_lambda ? place_in_order < massive.sum(1, /*keepdim=*/true)
                                                    : place_in_order < static_cast<std::int64_t>(pick.n);
    return taken.bitwise_and(unknown.bitwise_not()).bitwise_and(heads);
  }

  at::Tensor replace(at::Tensor& x) const {
    const at::Tensor chosen = mask(x);
    ops::replace_columns_(x, chosen, replacement(*disruption, x, chosen));
    return chosen.sum();
  }
};

/// (heads * dims) flags of the entries that lie in `where`.
std::vector<std::uint8_t> listed(const std::vector<ColumnEntry>& entries, SiteId where, std::int64_t heads,
                                 std::int64_t dims) {
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(heads * dims), 0);
  const auto range = [](int index, std::int64_t count) {
    return index == ColumnEntry::every
               ? std::pair<std::int64_t, std::int64_t>(0, count)
               : std::pair<std::int64_t, std::int64_t>(index, std::min<std::int64_t>(index + 1, count));
  };
  for (const ColumnEntry& entry : entries) {
    if (entry.site != where.site || !entry.covers_layer(where.layer)) continue;
    const auto [first_head, last_head] = range(entry.head, heads);
    const auto [first_dim, last_dim] = range(entry.dim, dims);
    for (std::int64_t head = first_head; head < last_head; ++head) {
      for (std::int64_t dim = first_dim; dim < last_dim; ++dim)
        flags[static_cast<std::size_t>(head * dims + dim)] = 1;
    }
  }
  return flags;
}

/// In every head as many other columns as `flags` lists there, as `pick` orders those that it does not list;
/// fewer where no more are left. `m` (heads * dims) may be empty where the pick is random.
std::vector<std::uint8_t> instead_of(const std::vector<std::uint8_t>& flags, const Pick& pick,
                                     std::span<const float> m, SiteId where, std::int64_t heads) {
  std::vector<std::uint8_t> taken(flags.size(), 0);
  const std::size_t dims = flags.size() / static_cast<std::size_t>(heads);
  for (std::size_t head = 0; head < static_cast<std::size_t>(heads); ++head) {
    const std::size_t row = head * dims;
    const int index = static_cast<int>(head);
    const auto order = m.empty() ? taking_order(std::vector<float>(dims), pick, where, index)
                                 : taking_order(m.subspan(row, dims), pick, where, index);
    auto wanted = std::count(flags.begin() + static_cast<std::ptrdiff_t>(row),
                             flags.begin() + static_cast<std::ptrdiff_t>(row + dims), 1);
    for (const std::size_t dim : order) {
      const std::size_t at = row + dim;
      if (wanted == 0) break;
      if (flags[at]) continue;
      taken[at] = 1;
      --wanted;
    }
  }
  return taken;
}

/// M of the baseline at a place. Throws Error where it is not there.
const Array& baseline_norm(const Capture& baseline, SiteId where) {
  const Array* m = baseline.norm(where.layer, where.site);
  if (!m) throw Error("The baseline holds no M of layer " + std::to_string(where.layer + 1) + ".");
  return *m;
}

/// (heads, D) bool: what is known beforehand.
at::Tensor known_mask(const Disruption& d, SiteId where, const Capture& baseline, std::int64_t heads,
                      std::int64_t dims) {
  std::vector<std::uint8_t> flags;
  if (d.entries.empty()) {
    flags = select(baseline_norm(baseline, where), d.pick, where);
  } else {
    flags = listed(d.entries, where, heads, dims);
    if (d.instead_of_entries) {
      const std::span<const float> m = d.reads_baseline()
                                           ? std::span<const float>(baseline_norm(baseline, where).data)
                                           : std::span<const float>();
      flags = instead_of(flags, d.pick, m, where, heads);
    }
  }
  return at::tensor(flags, at::kByte).view({heads, dims}).to(at::kBool);
}

/// Null where there is nothing to replace, as far as can be known beforehand.
std::unique_ptr<ColumnPlace> make_place(std::shared_ptr<const Disruption> disruption, SiteId where,
                                        const AttentionSpec& attention, const Capture& baseline,
                                        at::Device device) {
  const Disruption& d = *disruption;
  auto place = std::make_unique<ColumnPlace>(disruption);
  const int all_heads = where.site == Site::Query ? attention.num_heads : attention.num_kv_heads;
  const int dims = where.site == Site::Value ? attention.value_dim : attention.head_dim;
  const at::Tensor covered =
      d.entries.empty() ? covered_heads(d, where.site, attention) : at::ones({all_heads, 1}, at::kBool);
  if (!d.entries.empty() || d.mask == Mask::Clean) {
    const at::Tensor chosen = known_mask(d, where, baseline, all_heads, dims).bitwise_and(covered);
    if (!chosen.any().item<bool>()) return nullptr;
    place->known = chosen.to(device);
    return place;
  }
  if (takes_none(d.pick)) return nullptr;
  const bool by_position = d.mask == Mask::Position;
  const std::int64_t heads = by_position ? 1 : all_heads;
  place->heads = covered.to(device);
  if (by_position) {
    place->heads = at::ones({1, 1}, at::kBool).to(device);
    place->indices = covered.squeeze(1).nonzero().squeeze(1).to(device);
  }
  if (d.pick.kind == PickKind::Random) {
    at::Tensor order = at::empty({heads, dims}, at::kLong);
    for (int h = 0; h < heads; ++h)
      order[h].copy_(at::tensor(random_order(dims, d.pick.seed, where, h), at::kLong));
    place->random_rank = at::argsort(order).to(device);
  }
  return place;
}

}  // namespace

void add_places(const Disruption& disruption, const ModelSpec& spec, const Capture& baseline,
                at::Device device, EditPlaces& places) {
  const auto shared = std::make_shared<const Disruption>(disruption);
  for (int layer = 0; layer < spec.num_layers(); ++layer) {
    if (!disruption.covers_layer(layer)) continue;
    for (const Site site : {Site::Query, Site::Key, Site::Value}) {
      if (!disruption.covers_site(site) || !spec.has_site({layer, site})) continue;
      if (auto place = make_place(shared, {layer, site}, *spec.attention(layer), baseline, device))
        places[{layer, site}].push_back(std::move(place));
    }
  }
}

}  // namespace qkscope
