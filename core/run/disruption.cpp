#include "core/run/disruption.h"

#include <algorithm>
#include <tuple>

#include "core/base/wording.h"
#include "core/run/disruption_words.h"

namespace qkscope {

bool Disruption::covers_layer(int layer) const {
  if (!entries.empty())
    return std::ranges::any_of(entries, [layer](const ColumnEntry& e) { return e.covers_layer(layer); });
  return (query || key || value) && (layers.empty() || std::ranges::binary_search(layers, layer));
}

bool Disruption::covers_site(Site site) const {
  if (!entries.empty()) return std::ranges::find(entries, site, &ColumnEntry::site) != entries.end();
  return site == Site::Query ? query : site == Site::Key ? key : value;
}

bool Disruption::reads_baseline() const {
  if (entries.empty()) return mask == Mask::Clean;
  return instead_of_entries && pick.kind != PickKind::Random;
}

bool Disruption::operator==(const Disruption& other) const {
  const auto how = [](const Disruption& d) {
    return std::tie(d.replace, d.pool, d.phase, d.reaches_kv_cache, d.entries);
  };
  if (how(*this) != how(other)) return false;
  if (!entries.empty()) {
    return instead_of_entries == other.instead_of_entries &&
           (!instead_of_entries || (pick.kind == other.pick.kind &&
                                    (pick.kind != PickKind::Random || pick.seed == other.pick.seed)));
  }
  const auto rule = [](const Disruption& d) {
    return std::tie(d.query, d.key, d.value, d.layers, d.heads, d.mask);
  };
  return rule(*this) == rule(other) && pick == other.pick;
}

namespace {

/// The lambda = 5 rule of Definition 1 and its controls: clean mask, head mean.
Disruption outlined(bool query, bool key, PickKind kind = PickKind::Lambda) {
  Disruption d;
  d.query = query;
  d.key = key;
  d.pick.kind = kind;
  d.pick.as_many_as_lambda = kind != PickKind::Lambda;
  return d;
}

/// What the published code does: n entries per head chosen in the very pass, mean of the chosen columns.
Disruption published(PickKind kind, int n, bool query = true, bool key = true) {
  Disruption d;
  d.query = query;
  d.key = key;
  d.pick.kind = kind;
  d.pick.n = n;
  d.pool = Pool::Chosen;
  d.mask = Mask::Live;
  return d;
}

/// What it does to Gemma 2: 22 entries a position, in all heads; zero, but the control's mean.
Disruption published_for_gemma2(PickKind kind, Replace replace) {
  Disruption d = published(kind, 22);
  d.mask = Mask::Position;
  d.replace = replace;
  return d;
}

Disruption with_maximum(Disruption d) {
  d.replace = Replace::Max;
  return d;
}

Disruption with_clean_cache(Disruption d) {
  d.reaches_kv_cache = false;
  return d;
}

std::string pick_words(const Pick& pick) {
  const std::string lambda = "lambda " + number_text(pick.lambda);
  if (pick.kind == PickKind::Lambda) return lambda;
  std::string words(kind_name(pick.kind));
  words += pick.as_many_as_lambda ? " as many as " + lambda : " " + std::to_string(pick.n);
  if (pick.kind == PickKind::Random) words += " (seed " + std::to_string(pick.seed) + ")";
  return words;
}

std::string site_words(const Disruption& d) {
  std::string words;
  const auto add = [&](bool there, std::string_view name) {
    if (!there) return;
    if (!words.empty()) words += " and ";
    words += name;
  };
  add(d.covers_site(Site::Query), "Q");
  add(d.covers_site(Site::Key), "K");
  add(d.covers_site(Site::Value), "V");
  return words.empty() ? "nothing" : words;
}

}  // namespace

const std::vector<DisruptionPreset>& presets() {
  static const std::vector<DisruptionPreset> list = {
      {"lambda 5 on Q",
       "Every massive value of Q (M over 5 times its head's mean) becomes the mean of its head.",
       outlined(true, false)},
      {"same number of smallest on Q",
       "Control: in each head as many of the smallest entries as lambda 5 finds.",
       outlined(true, false, PickKind::Smallest)},
      {"same number at random on Q",
       "Control: in each head as many entries as lambda 5 finds, drawn at random.",
       outlined(true, false, PickKind::Random)},
      {"lambda 5 on K", "Every massive value of K becomes the mean of its head, in the KV cache too.",
       outlined(false, true)},
      {"lambda 5 on Q and K", "Both at once; a small model forgets even what it knows by heart.",
       outlined(true, true)},
      {"top 2 on Q", "The two largest entries of each head of Q, found in the pass itself.",
       published(PickKind::Largest, 2, true, false)},
      {"published",
       "As published for Llama: the largest entry of each head of Q and K; the KV cache is disrupted.",
       published(PickKind::Largest, 1)},
      {"published control", "As published: the smallest entry of each head instead of the largest.",
       published(PickKind::Smallest, 1)},
      {"published at first",
       "As first published for Llama: the largest entry of each head of Q and K becomes its own maximum.",
       with_maximum(published(PickKind::Largest, 1))},
      {"published for Qwen", "The three largest entries of each head of Q and K; the KV cache stays clean.",
       with_clean_cache(published(PickKind::Largest, 3))},
      {"published control for Qwen", "As published: the three smallest entries of each head instead.",
       with_clean_cache(published(PickKind::Smallest, 3))},
      {"published for Mistral", "The largest entry of each head of Q and K; the KV cache stays clean.",
       with_clean_cache(published(PickKind::Largest, 1))},
      {"published control for Mistral",
       "An entry of each head drawn at random, as published; here the draw may be the largest itself.",
       with_clean_cache(published(PickKind::Random, 1))},
      {"published for Gemma 2",
       "At each position the 22 dims largest over the heads become zero in all of them; the KV cache is "
       "disrupted in all layers, in the published code in those without a window.",
       published_for_gemma2(PickKind::Largest, Replace::Zero)},
      {"published control for Gemma 2",
       "At each position the 22 dims smallest over the heads become their mean there, as published.",
       published_for_gemma2(PickKind::Smallest, Replace::Mean)},
  };
  return list;
}

Disruption control_of(Disruption d, PickKind kind) {
  d.instead_of_entries = !d.entries.empty();
  if (d.entries.empty() && d.pick.kind == PickKind::Lambda) d.pick.as_many_as_lambda = true;
  d.pick.kind = kind;
  return d;
}

std::string describe(const Disruption& d) {
  std::string words;
  if (!d.entries.empty()) {
    if (d.instead_of_entries) words = std::string(kind_name(d.pick.kind)) + " as many as ";
    words += "entries " + format_entries(d.entries);
    if (d.instead_of_entries && d.pick.kind == PickKind::Random)
      words += " (seed " + std::to_string(d.pick.seed) + ")";
  } else {
    words = pick_words(d.pick) + " on " + site_words(d) + ", ";
    words += d.layers.empty() ? "all layers" : "layers " + format_ranges(d.layers);
    if (!d.heads.empty()) words += ", heads " + format_ranges(d.heads);
  }
  words += ", ";
  if (d.replace != Replace::Zero) words += std::string(pool_name(d.pool)) + " ";
  words += std::string(replace_name(d.replace)) + ", ";
  if (d.entries.empty()) words += std::string(mask_name(d.mask)) + " mask, ";
  words += d.phase == Phase::Prefill ? "prefill" : "every step";
  if (!d.reaches_kv_cache) words += ", clean cache";
  return words;
}

}  // namespace qkscope
