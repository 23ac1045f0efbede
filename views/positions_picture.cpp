#include <algorithm>
#include <functional>

#include "views/at_once.h"
#include "views/counted.h"
#include "views/map_model.h"
#include "views/token_text.h"

namespace qkscope {

namespace {

/// The map of `source` among those that are shown.
const Heatmap* mapOf(const MapSource& source, const MapModel* shown) {
  if (!shown) return nullptr;
  const auto found = std::ranges::find(shown->panels, source, &MapPanel::source);
  return found == shown->panels.end() ? nullptr : &found->map;
}

}  // namespace

std::optional<NumberRows> headValues(const ViewData& data, const Look& look, int layer, int head, Site site) {
  const auto rowsOf = [&](Shown run) -> std::optional<NumberRows> {
    const Array* values = capturedValue(data, run, layer, shownSite(site, look.after_rope));
    if (!values || values->shape.size() != 3 || head >= values->size(1)) return std::nullopt;
    const std::int64_t dims = values->size(2);
    return NumberRows{data.comparison, values->data.data() + head * dims, static_cast<int>(values->size(0)),
                      static_cast<int>(dims), values->size(1) * dims};
  };
  if (look.shown != Shown::Difference) return rowsOf(look.shown);
  const auto disrupted = rowsOf(Shown::Disrupted), baseline = rowsOf(Shown::Baseline);
  if (!disrupted || !baseline || disrupted->rows != baseline->rows || disrupted->columns != baseline->columns)
    return std::nullopt;
  std::vector<float> change = disrupted->copy();
  std::ranges::transform(change, baseline->copy(), change.begin(), std::minus<>());
  return NumberRows::of(disrupted->rows, disrupted->columns, std::move(change));
}

int headBeside(const Selection& selection, Site site, const ModelSpec& spec) {
  const bool from_query = selection.site == Site::Query, to_query = site == Site::Query;
  if (from_query == to_query) return selection.head;
  const AttentionSpec* attention =
      selection.layer < spec.num_layers() ? spec.attention(selection.layer) : nullptr;
  const int groups = attention ? attention->num_kv_groups() : spec.num_kv_groups();
  return from_query ? selection.head / groups : selection.head * groups;
}

MapModel positionsDimsModel(const ViewData& data, const Selection& selection, const Look& look,
                            const MapModel* shown) {
  MapModel model = emptyMapModel(data, selection.layer);
  const ModelSpec& spec = *data.spec();
  model.rows = MapRows::Positions;
  model.side_by_side = true;
  for (const QString& piece : data.pieces) model.row_names << visibleToken(piece);
  const bool difference = look.shown == Shown::Difference;
  // Signs are shown where the map has a middle; a sequential map shows magnitudes.
  const bool is_signed = difference || colorMap(look.color_map).diverging;
  const int query_head = headBeside(selection, Site::Query, spec),
            kv_head = headBeside(selection, Site::Key, spec);
  for (const Site site : {Site::Query, Site::Key, Site::Value}) {
    MapPanel panel{.site = site,
                   .heads = siteHeads(spec, site),
                   .layer = selection.layer,
                   .head = headBeside(selection, site, spec)};
    panel.source = MapSource{data.comparison, look.shown, shownSite(site, look.after_rope),
                             panel.layer,     panel.head, is_signed};
    if (const Heatmap* map = mapOf(*panel.source, shown)) panel.map = *map;
    model.panels.push_back(std::move(panel));
  }
  const auto fill = [&](std::size_t i) {
    MapPanel& panel = model.panels[i];
    if (!panel.map.empty()) return;
    auto values = headValues(data, look, panel.layer, panel.head, panel.site);
    if (!values) return;
    values->magnitudes = !is_signed;
    panel.map = Heatmap(std::move(*values));
    panel.map.range();  // looked for here, at once with the others'
  };
  eachAtOnce(model.panels.size(), fill);
  for (MapPanel& panel : model.panels) {
    if (!panel.map.empty()) {
      if (const Array* rule = ruleNorm(data, look, selection.layer, panel.source->captured)) {
        for (const QPoint& cell : massiveCells(*rule, look.lambda)) {
          if (cell.y() == panel.head) panel.massive_columns.push_back(cell.x());
        }
      }
    } else {
      panel.source.reset();
      panel.missing = whyNoHeads(spec, selection.layer, panel.site);
      if (data.dump) panel.missing = absentWords(data);
      if (panel.missing.isEmpty())
        panel.missing =
            Words::tr("the values of layer %1 have not been computed yet").arg(selection.layer + 1);
    }
  }
  colorPanels(model, look, is_signed, [&](const QString& letters) {
    if (difference) return Words::tr("Δ value (disrupted − baseline, unit of %1)").arg(letters);
    return (is_signed ? Words::tr("value (unit of %1)") : Words::tr("|value| (unit of %1)")).arg(letters);
  });

  model.title = spec.num_heads() == spec.num_kv_heads()
                    ? Words::tr("%1 · head %2").arg(layerWords(data, selection.layer)).arg(query_head + 1)
                    : Words::tr("%1 · head %2, KV head %3")
                          .arg(layerWords(data, selection.layer))
                          .arg(query_head + 1)
                          .arg(kv_head + 1);
  model.facts << (is_signed ? Words::tr("x[position, dim], %1").arg(positionsWords(model.positions))
                            : Words::tr("|x[position, dim]|, %1").arg(positionsWords(model.positions)))
              << runFacts(data, look, Site::Query, selection.layer) << colorFacts(model, look)
              << Words::tr("▼ %1").arg(ruleFact(look));
  return model;
}

}  // namespace qkscope
