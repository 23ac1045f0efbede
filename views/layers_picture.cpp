#include <algorithm>
#include <limits>

#include "views/map_model.h"

namespace qkscope {

MapModel layersModel(const ViewData& data, const Selection& selection, const Look& look) {
  MapModel model = emptyMapModel(data);
  model.rows = MapRows::LayersHeads;
  model.row_names = layerLabels(data);
  const bool difference = look.shown == Shown::Difference;
  const Site captured = shownSite(selection.site, look.after_rope);
  const int heads = siteHeads(*data.spec(), selection.site);
  const auto layer_size = static_cast<std::size_t>(heads) * static_cast<std::size_t>(model.head_dim);
  MapPanel panel{.site = selection.site, .heads = heads};
  std::vector<float> values(layer_size * static_cast<std::size_t>(model.num_layers),
                            std::numeric_limits<float>::quiet_NaN());
  const int layers = layersWith(*data.spec(), captured);
  int computed = 0;
  std::size_t filled = 0;
  panel.rows_missing.assign(static_cast<std::size_t>(model.num_layers) * static_cast<std::size_t>(heads),
                            true);
  for (int layer = 0; layer < model.num_layers; ++layer) {
    const auto m = shownNorm(data, look, layer, captured);
    if (!m || m->size(0) > heads || m->size(1) > model.head_dim) continue;
    ++computed;
    filled += m->data.size();
    // A layer may have fewer heads than another, or shorter ones.
    const auto first = static_cast<std::ptrdiff_t>(layer) * heads,
               dims = static_cast<std::ptrdiff_t>(m->size(1));
    std::fill_n(panel.rows_missing.begin() + first, m->size(0), false);
    for (std::ptrdiff_t head = 0; head < m->size(0); ++head)
      std::copy_n(m->data.begin() + head * dims, dims, values.begin() + (first + head) * model.head_dim);
    if (const Array* rule = ruleNorm(data, look, layer, captured)) {
      const auto cells = massiveCells(*rule, look.lambda, layer * heads);
      panel.massive.insert(panel.massive.end(), cells.begin(), cells.end());
    }
  }
  if (computed > 0) {
    panel.map = Heatmap(model.num_layers * heads, model.head_dim, std::move(values));
  } else {
    panel.missing = data.dump    ? absentWords(data)
                    : layers > 0 ? Words::tr("no layer has been computed yet")
                                 : Words::tr("no layer of this model has attention");
  }
  model.panels.push_back(std::move(panel));
  colorPanels(model, look, difference, [&](const QString& letters) {
    return difference ? Words::tr("ΔM (disrupted − baseline, unit of %1)").arg(letters)
                      : Words::tr("M (L2 norm over positions, unit of %1)").arg(letters);
  });

  // Not computed is not a NaN of the model's.
  const auto missing =
      static_cast<std::int64_t>(layer_size * static_cast<std::size_t>(model.num_layers) - filled);
  for (MapColorBar& bar : model.bars) bar.counts.nan -= missing;

  model.title = Words::tr("%1 of all layers").arg(siteLetter(selection.site));
  if (computed < layers) model.facts << Words::tr("%1 of %2 layers so far").arg(computed).arg(layers);
  if (layers < model.num_layers)
    model.facts << Words::tr("%1 of %2 layers have no %3 of their own")
                       .arg(QString::number(model.num_layers - layers), QString::number(model.num_layers),
                            siteLetter(selection.site));
  model.facts << Words::tr("a row is a head; M[h,d] = ‖%1[:,h,d]‖₂ over %2")
                     .arg(siteLetter(selection.site), overPositions(data, look))
              << runFacts(data, look, selection.site) << colorFacts(model, look)
              << Words::tr("outlined: %1").arg(ruleFact(look));
  return model;
}

}  // namespace qkscope
