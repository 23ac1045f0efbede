// The largest activations layer by layer, as Figure 1 of "Massive Activations in Large Language Models" and
// its refinement draw them.
#include <array>
#include <cmath>

#include "views/layer_axis.h"
#include "views/residual.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

constexpr double largest_float16 = 65504;

}  // namespace

class ResidualCurvesView : public LayerAxisView {
  Q_OBJECT
 public:
  ResidualCurvesView(ViewState& state, QWidget* parent) : LayerAxisView(state, parent) {
    setAccessibleName(tr("Largest activations of every layer"));
  }

  Needs needs() const override { return residualNeeds(state().look()); }
  QString whyNoFigure() const override { return whyNoResidual(data(), state().look()); }
  QString figureTitle() const override {
    return tr("Largest |h| and median of the residual stream by layer");
  }

 protected:
  std::vector<Chart> charts() const override {
    Chart chart{QStringLiteral("residual"), tr("Largest three |h| and median, after each layer"), tr("layer"),
                QStringLiteral("|h|")};
    chart.log_y = true;
    Curve over;
    over.name = tr("massive above");
    over.ink = Ink::Muted;
    over.dashed = true;
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const ActivationSummary* summary = shownResidual(data(), Shown::Baseline, layer);
      const ActivationRule& rule = state().look().activations;
      over.x.push_back(layer + 1);
      over.y.push_back(
          summary ? std::max(rule.least, rule.times_median * static_cast<double>(summary->median)) : nothing);
    }
    chart.levels.push_back({largest_float16, tr("largest float16, 65,504")});
    const Comparison& comparison = *data().comparison;
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      if (!run) continue;
      const bool disrupted = run == comparison.disrupted;
      for (int rank = 0; rank <= ranks; ++rank) {
        // Beside the baseline what matters most: more would bury both.
        if (disrupted && rank != 0 && rank != ranks) continue;
        chart.curves.push_back(curve(*run, disrupted, rank));
      }
    }
    chart.curves.push_back(std::move(over));
    return {std::move(chart)};
  }

 private:
  static constexpr int ranks = 3;  // and after them the median

  Curve curve(const Run& run, bool disrupted, int rank) const {
    const std::array<QString, ranks + 1> names{tr("largest"), tr("second"), tr("third"), tr("median")};
    constexpr std::array<Marker, ranks + 1> markers{Marker::Disc, Marker::Square, Marker::Triangle,
                                                    Marker::None};
    const auto at = static_cast<std::size_t>(rank);
    Curve curve;
    curve.name = names[at] + (disrupted ? tr(" disrupted") : QString());
    curve.ink = disrupted ? Ink::Disrupted : rank == ranks ? Ink::Muted : Ink::Baseline;
    curve.dashed = disrupted;
    curve.marker = markers[at];
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const auto found = run.capture.activations.find({layer, Site::ResidPost});
      curve.x.push_back(layer + 1);
      double y = nothing;
      if (found != run.capture.activations.end()) {
        const ActivationSummary& summary = found->second;
        if (rank == ranks)
          y = static_cast<double>(summary.median);
        else if (at < summary.top.size())
          y = std::abs(static_cast<double>(summary.top[at].value));
      }
      curve.y.push_back(y);
    }
    return curve;
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("magnitudes"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Largest activations")),
     Place::Bottom, 4, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ResidualCurvesView(state, parent); },
     false});

}  // namespace

}  // namespace qkscope

#include "residual_curves_view.moc"
