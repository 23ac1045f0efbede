#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/analysis/massive_values.h"
#include "tests/support/plain_spec.h"
#include "views/view.h"

namespace qkscope::test {

/// Every number of the grouped model below, each another one: about 1, negative at odd positions, thirty
/// times as large in the columns of `groupedMassive`.
struct Column {
  Site site;
  int layer, head, dim;
  auto operator<=>(const Column&) const = default;
};
inline const std::vector<Column> groupedMassive{{Site::Query, 1, 4, 2}, {Site::Query, 2, 1, 6},
                                                {Site::Key, 1, 1, 3},   {Site::Key, 2, 0, 5},
                                                {Site::Value, 0, 1, 0}, {Site::Value, 1, 1, 7}};
inline float groupedValue(Site site, bool after_rope, int layer, int head, int dim, int position,
                          bool disrupted = false) {
  const int site_index = site == Site::Query ? 0 : site == Site::Key ? 1 : 2;
  const int index =
      ((((site_index * 2 + after_rope) * 3 + layer) * 6 + head) * 8 + dim) * 5 + position + disrupted * 7;
  const bool massive =
      std::ranges::find(groupedMassive, Column{site, layer, head, dim}) != groupedMassive.end();
  const float size = 1.0f + static_cast<float>(index) / 8192.0f;  // exact in binary
  return (position % 2 ? -1.0f : 1.0f) * (massive ? 30.0f : 1.0f) * size;
}

/// A model of 3 layers, 6 query and 2 KV heads, 8 dims, over 5 positions, with a disrupted run: no two cells
/// hold the same number, so that none can stand for another.
inline ViewData groupedData() {
  ModelCard card;
  card.name = "grouped";
  card.spec = plain_spec({.layers = 3, .heads = 6, .kv_heads = 2});
  auto comparison = std::make_shared<Comparison>();
  for (const bool disrupted : {false, true}) {
    auto run = std::make_shared<Run>();
    run->capture.positions = 5;
    for (const Site site : {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value}) {
      const bool after = site == Site::Query || site == Site::Key || site == Site::Value;
      const Site name = site == Site::QueryPreRope ? Site::Query
                        : site == Site::KeyPreRope ? Site::Key
                                                   : site;
      const int heads = name == Site::Query ? 6 : 2;
      for (int layer = 0; layer < 3; ++layer) {
        Array values{{5, heads, 8}, {}};
        for (int position = 0; position < 5; ++position) {
          for (int head = 0; head < heads; ++head) {
            for (int dim = 0; dim < 8; ++dim)
              values.data.push_back(groupedValue(name, after, layer, head, dim, position, disrupted));
          }
        }
        run->capture.norms[{layer, site}] = norms_over_positions(values);
        run->capture.values[{layer, site}] = std::move(values);
      }
    }
    (disrupted ? comparison->disrupted : comparison->baseline) = run;
  }
  ViewData data;
  data.card = std::make_shared<const ModelCard>(card);
  data.comparison = comparison;
  data.pieces = {QStringLiteral("<s>"), QStringLiteral(" The"), QStringLiteral(" pass"),
                 QStringLiteral(" key"), QStringLiteral("\n")};
  return data;
}

inline constexpr std::array<Site, 3> sites{Site::Query, Site::Key, Site::Value};
inline int headsOf(Site site) {
  return site == Site::Query ? 6 : 2;
}

/// M of a column of the grouped model, added up here.
inline double normOf(Site site, bool after_rope, int layer, int head, int dim, bool disrupted = false) {
  double squares = 0;
  for (int position = 0; position < 5; ++position) {
    const double x = groupedValue(site, after_rope, layer, head, dim, position, disrupted);
    squares += x * x;
  }
  return std::sqrt(squares);
}
inline double ratioOf(Site site, int layer, int head, int dim) {
  double sum = 0;
  for (int d = 0; d < 8; ++d) sum += normOf(site, true, layer, head, d);
  return normOf(site, true, layer, head, dim) / (sum / 8);
}

inline Look lookAt(Picture picture, Shown shown = Shown::Baseline, bool after_rope = true) {
  Look look;
  look.picture = picture;
  look.shown = shown;
  look.after_rope = after_rope;
  return look;
}

/// What a cell holds in a picture over all positions.
inline double shownM(Site site, const Look& look, int layer, int head, int dim) {
  const auto m = [&](bool disrupted) { return normOf(site, look.after_rope, layer, head, dim, disrupted); };
  if (look.shown == Shown::Difference) return m(true) - m(false);
  return m(look.shown == Shown::Disrupted);
}
inline double shownValue(Site site, const Look& look, int layer, int head, int dim, int position) {
  const auto x = [&](bool disrupted) {
    return static_cast<double>(groupedValue(site, look.after_rope, layer, head, dim, position, disrupted));
  };
  if (look.shown == Shown::Difference) return x(true) - x(false);
  return x(look.shown == Shown::Disrupted);
}

}  // namespace qkscope::test
