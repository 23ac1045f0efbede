#include "views/counted.h"
#include "views/map_model.h"

namespace qkscope {

MapModel headsDimsModel(const ViewData& data, const Selection& selection, const Look& look) {
  MapModel model = emptyMapModel(data, selection.layer);
  model.rows = MapRows::Heads;
  const bool difference = look.shown == Shown::Difference;
  for (const Site site : {Site::Query, Site::Key, Site::Value}) {
    MapPanel panel{.site = site, .heads = siteHeads(*data.spec(), site), .layer = selection.layer};
    const Site captured = shownSite(site, look.after_rope);
    if (auto m = shownNorm(data, look, selection.layer, captured)) {
      panel.heads = static_cast<int>(m->size(0));
      panel.map = Heatmap(panel.heads, static_cast<int>(m->size(1)), std::move(m->data));
      if (const Array* rule = ruleNorm(data, look, selection.layer, captured)) {
        panel.massive = massiveCells(*rule, look.lambda);
      }
    } else {
      panel.missing = whyNoHeads(*data.spec(), selection.layer, site);
      if (data.dump) panel.missing = absentWords(data);
      if (panel.missing.isEmpty())
        panel.missing = Words::tr("layer %1 has not been computed yet").arg(selection.layer + 1);
    }
    model.panels.push_back(std::move(panel));
  }
  colorPanels(model, look, difference, [&](const QString& letters) {
    return difference ? Words::tr("ΔM (disrupted − baseline, unit of %1)").arg(letters)
                      : Words::tr("M (L2 norm over positions, unit of %1)").arg(letters);
  });

  model.title = layerWords(data, selection.layer);
  model.facts << (difference
                      ? Words::tr("ΔM[h,d], M[h,d] = ‖·[:,h,d]‖₂ over %1").arg(overPositions(data, look))
                      : Words::tr("M[h,d] = ‖·[:,h,d]‖₂ over %1").arg(overPositions(data, look)))
              << runFacts(data, look, Site::Query, selection.layer) << colorFacts(model, look)
              << Words::tr("outlined: %1").arg(ruleFact(look));
  return model;
}

}  // namespace qkscope
