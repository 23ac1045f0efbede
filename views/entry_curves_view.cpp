// What the selected entry of M stands among: the dims of its head, the heads of its dim, its positions.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/last_axis.h"
#include "views/curves_view.h"
#include "views/map_model.h"
#include "views/view_registry.h"

namespace qkscope {

class EntryCurvesView : public CurvesView {
  Q_OBJECT
 public:
  EntryCurvesView(ViewState& state, QWidget* parent) : CurvesView(state, parent) {
    setAccessibleName(tr("M along the dims, heads and positions of the selection"));
    connect(&state, &ViewState::selectionChanged, this, [this] { Q_EMIT needsChanged(); });
  }

  Needs needs() const override {
    Look look = state().look();
    look.picture = Picture::PositionsDims;
    return mapNeeds(data(), state().selection(), look);
  }
  QString figureTitle() const override {
    const Selection& at = state().selection();
    QStringList words{siteLetter(at.site) + QLatin1Char(' ') +
                          ropeWords(data(), at.site, state().look().after_rope, at.layer),
                      data().spec() ? layerWords(data(), at.layer) : QString(),
                      tr("head %1").arg(at.head + 1)};
    if (at.dim >= 0) words << tr("dim %1").arg(at.dim);
    return words.join(QStringLiteral(", "));
  }

 protected:
  std::vector<Chart> charts() const override {
    const Selection at = state().selection();
    const Site site = shownSite(at.site, state().look().after_rope);
    const QString letter = siteLetter(at.site), layer = layerWords(data(), at.layer);
    Chart dims{QStringLiteral("dims"), tr("M of %1, %2, head %3").arg(letter, layer).arg(at.head + 1),
               tr("dim"), QStringLiteral("M")};
    Chart heads{QStringLiteral("heads"), tr("M of dim %1 in every head").arg(at.dim), tr("head"),
                QStringLiteral("M")};
    Chart positions{QStringLiteral("positions"),
                    tr("%1 of dim %2, head %3").arg(letter).arg(at.dim).arg(at.head + 1), tr("position"),
                    letter};
    const Comparison& comparison = *data().comparison;
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      if (!run) continue;
      const bool disrupted = run == comparison.disrupted;
      const Shown which = disrupted ? Shown::Disrupted : Shown::Baseline;
      if (const Array* m = runNorm(data(), state().look(), which, at.layer, site))
        alongM(*m, disrupted, dims, heads);
      if (const Array* values = run->capture.value(at.layer, site))
        alongPositions(*values, disrupted, positions);
    }
    if (dims.curves.empty()) dims.missing = heads.missing = absentWords(data());
    if (positions.curves.empty()) positions.missing = absentWords(data());
    if (at.dim < 0) heads.missing = positions.missing = tr("no dim is selected");
    return {std::move(dims), std::move(heads), std::move(positions)};
  }

  std::optional<double> selectedAt(const QString& id) const override {
    const Selection& at = state().selection();
    if (id == QLatin1String("heads")) return at.head + 1;
    const int index = id == QLatin1String("dims") ? at.dim : at.position;
    return index < 0 ? std::nullopt : std::optional<double>(index);
  }
  Selection selected(const QString& id, double x) const override {
    Selection selection = state().selection();
    const int at = static_cast<int>(x);
    if (id == QLatin1String("dims")) selection.dim = std::max(0, at);
    if (id == QLatin1String("heads")) selection.head = at - 1;
    if (id == QLatin1String("positions")) selection.position = std::max(0, at);
    return clamped(selection, *data().spec(), shownPositions(data()));
  }

 private:
  static Curve curveOf(bool disrupted) {
    Curve curve;
    curve.name = shownWords(disrupted ? Shown::Disrupted : Shown::Baseline);
    curve.ink = disrupted ? Ink::Disrupted : Ink::Baseline;
    curve.dashed = disrupted;
    return curve;
  }

  /// M (heads, head_dim) along the dims of the selected head and the heads of the selected dim.
  void alongM(const Array& m, bool disrupted, Chart& dims, Chart& heads) const {
    const Selection& at = state().selection();
    const std::int64_t count = m.shape[0], width = m.shape[1];
    if (at.head >= count) return;
    const auto entry = [&](std::int64_t head, std::int64_t dim) {
      return static_cast<double>(m.data[static_cast<std::size_t>(head * width + dim)]);
    };
    Curve along_dims = curveOf(disrupted), along_heads = curveOf(disrupted);
    for (std::int64_t dim = 0; dim < width; ++dim) {
      along_dims.x.push_back(static_cast<double>(dim));
      along_dims.y.push_back(entry(at.head, dim));
    }
    if (!disrupted) {
      const double mean =
          std::accumulate(along_dims.y.begin(), along_dims.y.end(), 0.0) / static_cast<double>(width);
      dims.levels.push_back({state().look().lambda * mean, tr("λ × mean")});
    }
    dims.curves.push_back(std::move(along_dims));
    if (at.dim < 0 || at.dim >= width) return;
    along_heads.marker = disrupted ? Marker::Square : Marker::Disc;
    for (std::int64_t head = 0; head < count; ++head) {
      along_heads.x.push_back(static_cast<double>(head + 1));
      along_heads.y.push_back(entry(head, at.dim));
    }
    heads.curves.push_back(std::move(along_heads));
  }

  /// values (positions, heads, head_dim)
  void alongPositions(const Array& values, bool disrupted, Chart& positions) const {
    const Selection& at = state().selection();
    const std::int64_t heads = values.shape[1], width = values.shape[2];
    if (at.dim < 0 || at.dim >= width || at.head >= heads) return;
    Curve curve = curveOf(disrupted);
    for (std::int64_t position = 0; position < values.shape[0]; ++position) {
      curve.x.push_back(static_cast<double>(position));
      curve.y.push_back(
          static_cast<double>(last_axis(values, position, at.head)[static_cast<std::size_t>(at.dim)]));
    }
    positions.curves.push_back(std::move(curve));
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("selection"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Selection")), Place::Bottom, 2,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new EntryCurvesView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "entry_curves_view.moc"
