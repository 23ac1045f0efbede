#include <algorithm>
#include <limits>

#include "views/map_model.h"

namespace qkscope {

MapModel layersModel(const ViewData& data, const Selection& selection, const Look& look) {
  MapModel model = emptyMapModel(data);
  model.rows = MapRows::LayersHeads;
  const bool difference = look.shown == Shown::Difference;
  const Site captured = shownSite(selection.site, look.after_rope);
  const int heads = siteHeads(data.card->spec, selection.site);
  const auto layer_size = static_cast<std::size_t>(heads) * static_cast<std::size_t>(model.head_dim);
  MapPanel panel{.site = selection.site, .heads = heads};
  std::vector<float> values(layer_size * static_cast<std::size_t>(model.num_layers),
                            std::numeric_limits<float>::quiet_NaN());
  int computed = 0;
  panel.rows_missing.assign(static_cast<std::size_t>(model.num_layers) * static_cast<std::size_t>(heads),
                            true);
  for (int layer = 0; layer < model.num_layers; ++layer) {
    const auto m = shownNorm(data, look, layer, captured);
    if (!m || m->data.size() != layer_size) continue;
    ++computed;
    std::fill_n(panel.rows_missing.begin() + static_cast<std::ptrdiff_t>(layer) * heads, heads, false);
    std::copy(m->data.begin(), m->data.end(),
              values.begin() + static_cast<std::ptrdiff_t>(layer_size) * layer);
    if (const Array* rule = ruleNorm(data, look, layer, captured)) {
      const auto cells = massiveCells(*rule, look.lambda, layer * heads);
      panel.massive.insert(panel.massive.end(), cells.begin(), cells.end());
    }
  }
  if (computed > 0) {
    panel.map = Heatmap(model.num_layers * heads, model.head_dim, std::move(values));
  } else {
    panel.missing = Words::tr("no layer has been computed yet");
  }
  model.panels.push_back(std::move(panel));
  colorPanels(model, look, difference, [&](const QString& letters) {
    return difference ? Words::tr("ΔM (disrupted − baseline, unit of %1)").arg(letters)
                      : Words::tr("M (L2 norm over positions, unit of %1)").arg(letters);
  });

  // Not computed is not a NaN of the model's.
  const auto missing = static_cast<std::int64_t>(layer_size) * (model.num_layers - computed);
  for (MapColorBar& bar : model.bars) bar.counts.nan -= missing;

  model.title = Words::tr("%1 of all layers").arg(siteLetter(selection.site));
  if (computed < model.num_layers) {
    model.facts << Words::tr("%1 of %2 layers so far").arg(computed).arg(model.num_layers);
  }
  model.facts << Words::tr("a row is a head; M[h,d] = ‖%1[:,h,d]‖₂ over %2 positions")
                     .arg(siteLetter(selection.site))
                     .arg(model.positions)
              << runFacts(data, look, selection.site) << colorFacts(model, look)
              << Words::tr("outlined: %1").arg(ruleFact(look));
  return model;
}

}  // namespace qkscope
