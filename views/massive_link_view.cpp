// The massive values of Q and K beside the massive activations of the residual stream: what M is without the
// positions that have one, and what an edit of them does to M in later layers.
#include <cmath>

#include "views/layer_axis.h"
#include "views/residual.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// |b - a| / |a|, over all heads and dims.
double change(const Array& a, const Array& b) {
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    const double before = static_cast<double>(a.data[i]), after = static_cast<double>(b.data[i]);
    difference += (after - before) * (after - before);
    whole += before * before;
  }
  return whole > 0 ? std::sqrt(difference / whole) : nothing;
}

}  // namespace

class MassiveLinkView : public LayerAxisView {
  Q_OBJECT
 public:
  MassiveLinkView(ViewState& state, QWidget* parent) : LayerAxisView(state, parent) {
    setAccessibleName(tr("M with and without the positions of massive activations, layer by layer"));
  }

  Needs needs() const override {
    Needs needs = allNorms();
    needs |= massiveNeeds(state().look());
    if (data().dump) return allNorms();
    // Its own question, whatever the pictures leave out; where they leave out others, theirs goes first.
    needs.left_out = {LeftOut::Which::Massive, {}, state().look().activations};
    return needs;
  }
  QString whyNoFigure() const override {
    if (const QString none = whyNoResidual(data(), state().look()); !none.isEmpty()) return none;
    const std::vector<int> massive = massivePositions(data(), state().look());
    if (massive.empty())
      return tr("No position has a massive activation, %1: M is the same without them")
          .arg(residualRule(state().look()));
    const Capture& baseline = *shownCapture(data(), Shown::Baseline);
    if (baseline.left_out == massive) return {};
    return state().look().left_out.which == LeftOut::Which::None
               ? tr("M without these positions has not been computed yet.")
               : tr("M is told without other positions now: View > M without > no position, or those of "
                    "massive activations");
  }
  QString figureTitle() const override {
    return tr("M with and without position %1 of massive activations, λ = %2, %3")
        .arg(positionList(massivePositions(data(), state().look())), exactWords(state().look().lambda),
             ropeWords(data(), Site::Query, state().look().after_rope));
  }

 protected:
  std::vector<Chart> charts() const override {
    const QString without = tr("without %1").arg(positionList(massivePositions(data(), state().look())));
    const Capture& baseline = *shownCapture(data(), Shown::Baseline);
    Chart ratios{QStringLiteral("link_strongest"), tr("Strongest M / mean of its head, baseline"),
                 tr("layer"), tr("ratio")};
    ratios.levels.push_back({state().look().lambda, QStringLiteral("λ")});
    Chart counts{QStringLiteral("link_counts"), tr("Massive values, baseline"), tr("layer"), tr("count")};
    Chart changes{QStringLiteral("link_change"), tr("What the arm changes of M"), tr("layer"),
                  tr("‖ΔM‖ / ‖M‖")};
    const auto curve = [this](const SiteLook& one, const QString& name, bool dashed, const auto& number) {
      Curve made;
      made.name = name.isEmpty() ? siteLetter(one.site) : siteLetter(one.site) + u' ' + name;
      made.ink = one.ink;
      made.marker = one.marker;
      made.dashed = dashed;
      for (int layer = 0; layer < data().spec()->num_layers(); ++layer) {
        made.x.push_back(layer + 1);
        made.y.push_back(number(SiteId{layer, shownSite(one.site, state().look().after_rope)}));
      }
      return made;
    };
    const auto of = [](const Norms& norms, const auto& measure) {
      return [&norms, measure](SiteId where) {
        const auto found = norms.find(where);
        return found == norms.end() ? nothing : measure(*found->second);
      };
    };
    const auto count = [lambda = state().look().lambda](const Array& m) { return massiveCount(m, lambda); };
    for (const SiteLook& one : site_looks) {
      if (one.site != Site::Value) {
        for (Chart* chart : {&ratios, &counts}) {
          const auto add = [&](const QString& name, bool dashed, const Norms& norms) {
            chart->curves.push_back(chart == &ratios ? curve(one, name, dashed, of(norms, strongestRatio))
                                                     : curve(one, name, dashed, of(norms, count)));
          };
          add({}, false, baseline.norms);
          add(without, true, baseline.without);
        }
      }
      const Capture* disrupted = shownCapture(data(), Shown::Disrupted);
      if (!disrupted) continue;
      const auto changed = [](const Norms& before, const Norms& after) {
        return [&before, &after](SiteId where) {
          const auto a = before.find(where), b = after.find(where);
          return a == before.end() || b == after.end() || a->second->shape != b->second->shape
                     ? nothing
                     : change(*a->second, *b->second);
        };
      };
      changes.curves.push_back(curve(one, {}, false, changed(baseline.norms, disrupted->norms)));
      if (disrupted->left_out == baseline.left_out)
        changes.curves.push_back(curve(one, without, true, changed(baseline.without, disrupted->without)));
    }
    if (changes.curves.empty())
      changes.missing = tr("nothing is disrupted: D, or Zero in the panel Massive activations");
    return {std::move(ratios), std::move(counts), std::move(changes)};
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("link"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "M and massive activations")),
     Place::Bottom, 13, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new MassiveLinkView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "massive_link_view.moc"
