// Massive values layer by layer: how many, and how far the strongest stands out ("from the first layers on").
#include "views/layer_axis.h"
#include "views/shown.h"
#include "views/view_registry.h"

namespace qkscope {

class LayerCurvesView : public LayerAxisView {
  Q_OBJECT
 public:
  LayerCurvesView(ViewState& state, QWidget* parent) : LayerAxisView(state, parent) {
    setAccessibleName(tr("Massive values of every layer"));
  }

  Needs needs() const override { return allNorms(); }
  QString figureTitle() const override {
    return tr("Massive values by layer, λ = %1, %2")
        .arg(exactWords(state().look().lambda), ropeWords(data(), Site::Query, state().look().after_rope));
  }

 protected:
  std::vector<Chart> charts() const override {
    const Look& look = state().look();
    Chart counts{QStringLiteral("massive"), tr("Massive values, M > %1 × mean").arg(exactWords(look.lambda)),
                 tr("layer"), tr("count")};
    Chart ratios{QStringLiteral("strongest"), tr("Strongest M / mean of its head"), tr("layer"), tr("ratio")};
    ratios.levels.push_back({look.lambda, QStringLiteral("λ")});
    const Comparison& comparison = *data().comparison;
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      if (!run) continue;
      const bool disrupted = run == comparison.disrupted;
      for (const SiteLook& one : site_looks) {
        Curve number, ratio;
        number.name = ratio.name = siteLetter(one.site) + (disrupted ? tr(" disrupted") : QString());
        number.ink = ratio.ink = one.ink;
        number.marker = ratio.marker = one.marker;
        number.dashed = ratio.dashed = disrupted;
        for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
          const Array* m = runNorm(data(), look, disrupted ? Shown::Disrupted : Shown::Baseline, layer,
                                   shownSite(one.site, look.after_rope));
          for (Curve* curve : {&number, &ratio}) curve->x.push_back(layer + 1);
          number.y.push_back(m ? massiveCount(*m, look.lambda) : nothing);
          ratio.y.push_back(m ? strongestRatio(*m) : nothing);
        }
        counts.curves.push_back(std::move(number));
        ratios.curves.push_back(std::move(ratio));
      }
    }
    return {std::move(counts), std::move(ratios)};
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("layers"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "By layer")), Place::Bottom, 1,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new LayerCurvesView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "layer_curves_view.moc"
