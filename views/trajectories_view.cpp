// What becomes of the positions of massive activations layer by layer, beside all others: the attention they
// draw, and how long they are before and after the norms, in the MLP and in Q, K and V.
#include <array>
#include <cmath>

#include "core/analysis/attention_split.h"
#include "views/layer_axis.h"
#include "views/patterns.h"
#include "views/residual.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

constexpr std::array<SiteLook, 2> norm_sites{SiteLook{Site::ResidPre, Ink::Baseline, Marker::Disc},
                                             SiteLook{Site::AttnIn, Ink::Muted, Marker::Square}};
constexpr std::array<SiteLook, 2> mlp_sites{SiteLook{Site::MlpIn, Ink::Muted, Marker::Square},
                                            SiteLook{Site::MlpOut, Ink::Baseline, Marker::Disc}};

}  // namespace

class TrajectoriesView : public LayerAxisView {
  Q_OBJECT
 public:
  TrajectoriesView(ViewState& state, QWidget* parent) : LayerAxisView(state, parent) {
    setAccessibleName(tr("Positions of massive activations beside the others, layer by layer"));
  }

  Needs needs() const override {
    Needs needs = massiveNeeds(state().look());
    if (!data().spec() || data().dump) return needs;
    for (const auto& sites : {std::span<const SiteLook>(norm_sites), std::span<const SiteLook>(mlp_sites),
                              std::span<const SiteLook>(site_looks)}) {
      for (const SiteLook& one : sites) needs.row_norms.insert(one.site);
    }
    needs.patterns = meanPatterns(data());
    return needs;
  }
  QString whyNoFigure() const override {
    if (const QString none = whyNoResidual(data(), state().look()); !none.isEmpty()) return none;
    if (shownCapture(data(), run())->row_norms.empty()) return tr("No layer has been computed yet.");
    return massivePositions(data(), state().look()).empty()
               ? tr("No position has a massive activation, %1: there is nothing to set apart")
                     .arg(residualRule(state().look()))
               : QString();
  }
  QString figureTitle() const override {
    return tr("Positions of massive activations (%1) beside the others, %2")
        .arg(positionList(massivePositions(data(), state().look())), shownWords(run()));
  }

 protected:
  std::vector<Chart> charts() const override {
    const std::vector<int> massive = massivePositions(data(), state().look());
    Chart mass{QStringLiteral("attention_mass"),
               tr("Attention to position %1, all heads").arg(positionList(massive)), tr("layer"),
               tr("share")};
    for (const Shown which : {Shown::Baseline, Shown::Disrupted}) {
      const Capture* capture = shownCapture(data(), which);
      if (capture) mass.curves.push_back(massCurve(*capture, which, massive));
    }
    if (meanPatterns(data()).empty())
      mass.missing = tr("only for prompts of up to %1 tokens").arg(longest_grid);
    Chart norms{QStringLiteral("norms"),
                tr("Length before and after attention's norm, %1").arg(shownWords(run())), tr("layer"),
                tr("‖x‖")};
    Chart mlp{QStringLiteral("mlp"), tr("Length into and out of the MLP"), tr("layer"), tr("‖x‖")};
    Chart qkv{QStringLiteral("qkv"), tr("Length of Q, K and V"), tr("layer"), tr("‖x‖")};
    fill(norms, norm_sites, massive);
    fill(mlp, mlp_sites, massive);
    fill(qkv, site_looks, massive);
    return {std::move(mass), std::move(norms), std::move(mlp), std::move(qkv)};
  }

 private:
  static QString nameOf(Site site) {
    switch (site) {
      case Site::ResidPre:
        return tr("before");
      case Site::AttnIn:
        return tr("after");
      case Site::MlpIn:
        return tr("in");
      case Site::MlpOut:
        return tr("out");
      default:
        return siteLetter(site);
    }
  }

  Shown run() const { return residualRun(state().look()); }

  Curve massCurve(const Capture& capture, Shown which, const std::vector<int>& massive) const {
    Curve curve;
    curve.name = shownWords(which);
    curve.ink = which == Shown::Disrupted ? Ink::Disrupted : Ink::Baseline;
    curve.dashed = which == Shown::Disrupted;
    curve.marker = Marker::Disc;
    for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
      const Array* pattern = capture.pattern({layer, HeadId::mean});
      curve.x.push_back(layer + 1);
      curve.y.push_back(pattern ? mass_on(*pattern, massive) : nothing);
    }
    return curve;
  }

  /// Of each site two curves: the mean length of the massive positions, and dashed that of the others.
  void fill(Chart& chart, std::span<const SiteLook> sites, const std::vector<int>& massive) const {
    chart.log_y = true;
    const Capture& capture = *shownCapture(data(), run());
    for (const SiteLook& one : sites) {
      const QString name = nameOf(one.site);
      Curve special, others;
      special.name = tr("%1, massive").arg(name);
      others.name = tr("%1, others").arg(name);
      special.ink = others.ink = one.ink;
      special.marker = others.marker = one.marker;
      others.dashed = true;
      for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
        const auto found = capture.row_norms.find({layer, one.site});
        const auto [at, beside] = found == capture.row_norms.end() ? std::pair(nothing, nothing)
                                                                   : means(found->second->data, massive);
        for (Curve* curve : {&special, &others}) curve->x.push_back(layer + 1);
        special.y.push_back(at);
        others.y.push_back(beside);
      }
      chart.curves.push_back(std::move(special));
      chart.curves.push_back(std::move(others));
    }
  }

  static std::pair<double, double> means(const std::vector<float>& lengths, const std::vector<int>& massive) {
    std::array<double, 2> sums{}, counts{};
    for (std::size_t t = 0; t < lengths.size(); ++t) {
      const std::size_t which = std::ranges::binary_search(massive, static_cast<int>(t)) ? 0 : 1;
      sums[which] += static_cast<double>(lengths[t]);
      ++counts[which];
    }
    const auto mean = [&](std::size_t which) {
      return counts[which] > 0 ? sums[which] / counts[which] : nothing;
    };
    return {mean(0), mean(1)};
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("trajectories"),
     QStringLiteral(QT_TRANSLATE_NOOP("Views", "Massive positions over layers")), Place::Bottom, 9,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new TrajectoriesView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "trajectories_view.moc"
