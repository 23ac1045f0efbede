#include "views/pointing.h"

#include <algorithm>

#include "core/analysis/frequency.h"
#include "core/analysis/massive_values.h"
#include "views/arms.h"
#include "views/shown.h"

namespace qkscope {

namespace {

constexpr int every = ColumnEntry::every;
/// As many bands as the chart of bands has.
constexpr int kBands = 8;

/// The dims whose rotary pairs lie in the band of `dim`.
std::vector<int> bandDims(const FrequencyAxis& axis, int dim) {
  const std::vector<int> pairs = bandPairs(axis, dim);
  if (pairs.empty()) return {dim};
  std::vector<int> dims;
  for (int other = 0; other < axis.head_dim(); ++other) {
    const auto turned = axis.at(other);
    if (turned && std::ranges::binary_search(pairs, turned->pair)) dims.push_back(other);
  }
  return dims;
}

bool within(int index, int wanted) {
  return wanted == every || index == wanted;
}

/// Whether all that `entry` means is meant by `by`, too.
bool covers(const ColumnEntry& by, const ColumnEntry& entry) {
  return by.site == entry.site && within(entry.layer, by.layer) && within(entry.head, by.head) &&
         within(entry.dim, by.dim);
}

bool meet(int a, int b) {
  return a == every || b == every || a == b;
}

/// `entry` without what `by` means: itself, nothing, or what is left of it one index at a time.
void takeOut(const ColumnEntry& entry, const ColumnEntry& by, const ModelSpec& spec,
             std::vector<ColumnEntry>& left) {
  const bool apart = entry.site != by.site || !meet(entry.layer, by.layer) || !meet(entry.head, by.head) ||
                     !meet(entry.dim, by.dim);
  if (apart) return left.push_back(entry);
  if (covers(by, entry)) return;
  struct Axis {
    int ColumnEntry::*member;
    int count;
  };
  for (const Axis& axis :
       {Axis{&ColumnEntry::layer, spec.num_layers()}, Axis{&ColumnEntry::head, siteHeads(spec, entry.site)},
        Axis{&ColumnEntry::dim, spec.head_dim()}}) {
    if (entry.*axis.member != every || by.*axis.member == every) continue;
    for (int i = 0; i < axis.count; ++i) {
      ColumnEntry one = entry;
      one.*axis.member = i;
      takeOut(one, by, spec, left);
    }
    return;
  }
}

}  // namespace

QString reachWords(Reach reach) {
  switch (reach) {
    case Reach::Entry:
      return Words::tr("this entry");
    case Reach::Pair:
      return Words::tr("this entry and its rotary partner");
    case Reach::DimInAllHeads:
      return Words::tr("this dim in all heads of the layer");
    case Reach::Head:
      return Words::tr("this head");
    case Reach::Group:
      return Words::tr("this K head with its Q heads");
    case Reach::Layer:
      return Words::tr("this layer");
    case Reach::Band:
      return Words::tr("this band of frequencies of the head");
  }
  return {};
}

std::vector<ColumnEntry> pointedEntries(const ViewData& data, const Selection& at, Reach reach) {
  if (!data.spec()) return {};
  const ModelSpec& spec = *data.spec();
  const ColumnEntry entry{at.site, at.layer, at.head, at.dim};
  const bool of_dim = reach != Reach::Head && reach != Reach::Group && reach != Reach::Layer;
  if (of_dim && at.dim < 0) return {};
  const FrequencyAxis axis = shownAxis(data, at.layer);
  switch (reach) {
    case Reach::Entry:
      return {entry};
    case Reach::Pair: {
      const auto rotary = axis.at(at.dim);
      if (!rotary || rotary->partner == at.dim || at.site == Site::Value) return {entry};
      return ordered({entry, {at.site, at.layer, at.head, rotary->partner}});
    }
    case Reach::DimInAllHeads:
      return {{at.site, at.layer, every, at.dim}};
    case Reach::Head:
      return {{at.site, at.layer, at.head, every}};
    case Reach::Group: {
      const int heads = siteHeads(spec, Site::Query), kv_heads = std::max(1, siteHeads(spec, Site::Key));
      const int group = heads / kv_heads,
                kv = at.site == Site::Query ? at.head / std::max(1, group) : at.head;
      std::vector<ColumnEntry> entries{{Site::Key, at.layer, kv, every}};
      for (int head = kv * group; head < (kv + 1) * group; ++head)
        entries.push_back({Site::Query, at.layer, head, every});
      return ordered(std::move(entries));
    }
    case Reach::Layer:
      return {{at.site, at.layer, every, every}};
    case Reach::Band: {
      std::vector<ColumnEntry> entries;
      for (const int dim : bandDims(axis, at.dim)) entries.push_back({at.site, at.layer, at.head, dim});
      return ordered(std::move(entries));
    }
  }
  return {};
}

std::vector<ColumnEntry> bandEntries(const ViewData& data, const std::vector<Site>& sites, int first,
                                     int last) {
  if (!data.spec()) return {};
  const LayerAxes axes = shownAxes(data);
  const FrequencyAxis& axis = axes.first();
  const int pairs = static_cast<int>(axis.inv_freq().size()), bands = std::min(kBands, pairs);
  if (first < 0 || last >= bands || last < first) return {};
  std::vector<int> layers;
  for (int layer = 0; layer < data.spec()->num_layers(); ++layer) {
    if (axes.as_first(layer)) layers.push_back(layer);
  }
  if (static_cast<int>(layers.size()) == data.spec()->num_layers()) layers = {every};
  std::vector<ColumnEntry> entries;
  for (int band = first; band <= last; ++band) {
    for (const int dim : bandDims(axis, axis.dims_of(band * pairs / bands).first)) {
      for (const Site site : sites) {
        for (const int layer : layers) entries.push_back({site, layer, every, dim});
      }
    }
  }
  return ordered(std::move(entries));
}

std::vector<int> bandPairs(const FrequencyAxis& axis, int dim) {
  const auto rotary = axis.at(dim);
  std::vector<int> all;
  if (!rotary) return all;
  // Bands of equal numbers of pairs.
  const int pairs = static_cast<int>(axis.inv_freq().size()), bands = std::min(kBands, pairs);
  for (int pair = 0; pair < pairs; ++pair) {
    if (pair * bands / pairs == rotary->pair * bands / pairs) all.push_back(pair);
  }
  return all;
}

std::optional<std::vector<ColumnEntry>> takenEntries(const Disruption& d, const ViewData& data) {
  if (!d.entries.empty() && !d.instead_of_entries) return d.entries;
  const bool known = d.entries.empty() && d.mask == Mask::Clean;
  if (!known || !data.spec() || !data.comparison || !data.comparison->baseline) return std::nullopt;
  const ModelSpec& spec = *data.spec();
  const Capture& baseline = data.comparison->baseline->capture;
  std::vector<ColumnEntry> entries;
  for (const Site site : {Site::Query, Site::Key, Site::Value}) {
    if (!d.covers_site(site)) continue;
    const int heads = siteHeads(spec, site);
    const int served =
        std::max(1, siteHeads(spec, Site::Query) / std::max(1, heads));  // query heads a head serves
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      if (!d.covers_layer(layer) || !whyNoHeads(spec, layer, site).isEmpty()) continue;
      const Array* norm = baseline.norm(layer, site);
      if (!norm) return std::nullopt;
      const std::vector<std::uint8_t> taken = select(*norm, d.pick, {layer, site});
      const auto dims = static_cast<int>(norm->size(1));
      for (int head = 0; head < static_cast<int>(norm->size(0)); ++head) {
        const auto serves = [&](int query) { return query / served == head; };
        if (!d.heads.empty() && std::ranges::none_of(d.heads, serves)) continue;
        for (int dim = 0; dim < dims; ++dim) {
          if (taken[static_cast<std::size_t>(head) * static_cast<std::size_t>(dims) +
                    static_cast<std::size_t>(dim)])
            entries.push_back({site, layer, head, dim});
        }
      }
    }
  }
  return ordered(std::move(entries));
}

std::optional<Disruption> pointed(const Disruption& now, const ViewData& data,
                                  const std::vector<ColumnEntry>& entries, Pointing pointing) {
  if (!data.spec() || entries.empty()) return std::nullopt;
  Disruption next = now;
  next.entries = entries;
  next.instead_of_entries = false;
  if (pointing != Pointing::Only) {
    const auto taken = takenEntries(now, data);
    if (!taken) return std::nullopt;
    // Both ways what is pointed at leaves the old list first, so that none stands there twice.
    std::vector<ColumnEntry> left = *taken;
    for (const ColumnEntry& by : entries) {
      std::vector<ColumnEntry> rest;
      for (const ColumnEntry& entry : left) {
        if (pointing == Pointing::Remove) {
          takeOut(entry, by, *data.spec(), rest);
        } else if (!covers(by, entry)) {
          rest.push_back(entry);
        }
      }
      left = std::move(rest);
    }
    if (pointing == Pointing::Add) left.insert(left.end(), entries.begin(), entries.end());
    next.entries = std::move(left);
  }
  if (next.entries.empty()) return std::nullopt;  // a list of none would be a rule
  next.entries = ordered(std::move(next.entries));
  return next;
}

namespace {

/// These columns alone, replaced as the first disruption of now has it.
Edit ownEdit(const Edits& now, const std::vector<ColumnEntry>& entries) {
  const auto first = std::ranges::find_if(now, [](const Edit& edit) { return edit.disruption(); });
  Disruption own = first == now.end() ? Disruption() : *first->disruption();
  own.entries = ordered(entries);
  own.instead_of_entries = false;
  return own;
}

/// Those of now, with these columns too.
Edits withEntries(Edits edits, const ViewData& data, const std::vector<ColumnEntry>& entries) {
  const auto is_list = [](const Edit& edit) {
    const Disruption* d = edit.disruption();
    return edit.on && d && !d->entries.empty() && !d->instead_of_entries;
  };
  const auto list = std::find_if(edits.rbegin(), edits.rend(), is_list);
  if (list != edits.rend()) {
    if (const auto more = pointed(*list->disruption(), data, entries, Pointing::Add)) list->what = *more;
    return edits;
  }
  edits.push_back(ownEdit(edits, entries));
  return edits;
}

}  // namespace

std::optional<Edits> pointed(const Edits& now, const ViewData& data, const std::vector<ColumnEntry>& entries,
                             Pointing pointing) {
  if (!data.spec() || entries.empty()) return std::nullopt;
  if (pointing == Pointing::Add) return withEntries(now, data, entries);
  if (pointing == Pointing::Only) return Edits{ownEdit(now, entries)};
  Edits left;
  bool known = false;
  for (const Edit& edit : now) {
    const Disruption* d = edit.disruption();
    if (!edit.on || !d || !takenEntries(*d, data)) {
      left.push_back(edit);
      continue;
    }
    known = true;
    if (const auto less = pointed(*d, data, entries, Pointing::Remove)) left.emplace_back(*less);
  }
  return known ? std::optional(std::move(left)) : std::nullopt;
}

std::vector<ColumnEntry> markedEntries(const Arms& arms, const ViewData& data) {
  std::vector<ColumnEntry> marked;
  for (const Edit& edit : switched_on(arms.shown().edits)) {
    const Disruption* d = edit.disruption();
    // What a rule takes while it is off is what the outlines show; a list of one's own is always to be seen.
    const auto taken = d && (arms.on || !d->entries.empty()) ? takenEntries(*d, data) : std::nullopt;
    if (taken) marked.insert(marked.end(), taken->begin(), taken->end());
  }
  return marked;
}

std::optional<TakenCount> takenCount(const Disruption& disruption, const ViewData& data) {
  const auto taken = data.spec() ? takenEntries(disruption, data) : std::nullopt;
  if (!taken) return std::nullopt;
  const ModelSpec& spec = *data.spec();
  const TakenColumns columns(*taken);
  TakenCount count;
  QStringList sites;
  for (const Site site : all_sites) {
    QStringList layers;
    for (int layer = 0; layer < spec.num_layers(); ++layer) {
      if (!whyNoHeads(spec, layer, site).isEmpty()) continue;
      std::size_t here = 0;
      for (int head = 0; head < siteHeads(spec, site); ++head)
        here += columns.of(site, layer, head, spec.head_dim()).size();
      if (here == 0) continue;
      count.columns += static_cast<qint64>(here);
      layers << Words::tr("%1 in layer %2").arg(here).arg(layer + 1);
    }
    if (!layers.isEmpty())
      sites << QStringLiteral("%1: %2").arg(siteLetter(site), layers.join(QStringLiteral(", ")));
  }
  count.by_layer = sites.join(u'\n');
  return count;
}

TakenColumns::TakenColumns(const std::vector<ColumnEntry>& entries) {
  for (const ColumnEntry& entry : entries) all_[{entry.site, entry.layer, entry.head}].insert(entry.dim);
}

std::vector<int> TakenColumns::of(Site site, int layer, int head, int dims) const {
  std::set<int> found;
  for (const int l : {layer, every}) {
    for (const int h : {head, every}) {
      const auto at = all_.find({site, l, h});
      if (at != all_.end()) found.insert(at->second.begin(), at->second.end());
    }
  }
  if (found.contains(every)) {
    std::vector<int> all(static_cast<std::size_t>(dims));
    for (int dim = 0; dim < dims; ++dim) all[static_cast<std::size_t>(dim)] = dim;
    return all;
  }
  return {found.begin(), found.end()};
}

}  // namespace qkscope
