// The rotary pairs of a head: one in the plane, how each agrees over the positions, and what its mean says of
// distance.
#include <algorithm>
#include <cmath>

#include "core/analysis/logit_parts.h"
#include "core/analysis/rotary_pairs.h"
#include "core/base/last_axis.h"
#include "views/curves_view.h"
#include "views/map_model.h"
#include "views/shown.h"
#include "views/view_registry.h"

namespace qkscope {

class PairsView : public CurvesView {
  Q_OBJECT
 public:
  PairsView(ViewState& state, QWidget* parent) : CurvesView(state, parent) {
    setAccessibleName(tr("Rotary pairs of the selected head, in the plane and over distance"));
    connect(&state, &ViewState::selectionChanged, this, [this] { tellNeeds(); });
  }

  Needs needs() const override {
    Needs needs;
    if (!data().spec() || data().dump || !attention()) return needs;
    needs.values = {Site::Query, Site::Key};
    needs.value_layers = {layer()};
    if (const int keys = keysLayer(); keys < layer())
      needs.value_layers.insert(needs.value_layers.begin(), keys);
    return needs;
  }
  QString whyNoFigure() const override {
    if (data().dump)
      return tr("Files of Q, K and V do not say which head reads which: open a model to see it");
    const QString nothing = whyNothing(data(), state().look());
    if (!nothing.isEmpty()) return nothing;
    const QString none = whyNoHeads(*data().spec(), layer(), Site::Query);
    if (!none.isEmpty()) return none;
    if (axis().inv_freq().empty()) return whyNoRuler(*data().spec(), layer());
    return values(Site::Query) && values(Site::Key) ? QString()
                                                    : tr("Q and K of this layer have not been computed yet.");
  }
  QString figureTitle() const override {
    return tr("Rotary pairs, layer %1, head %2, %3").arg(layer() + 1).arg(head() + 1).arg(shownWords(run()));
  }

 protected:
  std::vector<Chart> charts() const override {
    const FrequencyAxis turning = axis();
    const Array &q = *values(Site::Query), &k = *values(Site::Key);
    // Turned back, so that whatever else comes before the product is in both.
    const Array q_before = before_rope(q, turning), k_before = before_rope(k, turning);
    const std::vector<PairMean> q_means = pair_means(q_before, turning, head()),
                                k_means = pair_means(k_before, turning, keyHead());
    const int pair = pairAsked(q_means);
    const auto [first, second] = turning.dims_of(pair);
    const double inv_freq = turning.inv_freq()[static_cast<std::size_t>(pair)];

    Chart plane{QStringLiteral("pair_plane"),
                tr("Pair %1 in the plane, head %2, %3").arg(pair).arg(head() + 1).arg(shownWords(run())),
                tr("dim %1").arg(first), tr("dim %1").arg(second)};
    plane.whole_x = false;
    addCloud(plane, tr("Q before"), Ink::Query, Marker::Disc, q_before, head(), {first, second});
    addCloud(plane, tr("Q after RoPE"), Ink::Query, Marker::Triangle, q, head(), {first, second});
    addCloud(plane, tr("K before"), Ink::Key, Marker::Disc, k_before, keyHead(), {first, second});
    addCloud(plane, tr("K after RoPE"), Ink::Key, Marker::Triangle, k, keyHead(), {first, second});

    Chart agreement{QStringLiteral("pair_agreement"), tr("How much a pair points one way before RoPE"),
                    tr("pair"), tr("|mean| / mean | |")};
    Chart lengths{QStringLiteral("pair_lengths"), tr("Mean length of a pair"), tr("pair"), tr("length")};
    for (const bool is_query : {true, false}) {
      Curve agrees = curveOf(is_query), is_long = agrees;
      const std::vector<PairMean>& means = is_query ? q_means : k_means;
      for (std::size_t i = 0; i < means.size(); ++i) {
        for (Curve* curve : {&agrees, &is_long}) curve->x.push_back(static_cast<double>(i));
        agrees.y.push_back(means[i].agreement);
        is_long.y.push_back(means[i].length);
      }
      agreement.curves.push_back(std::move(agrees));
      lengths.curves.push_back(std::move(is_long));
    }

    Chart distance{QStringLiteral("pair_distance"), tr("What pair %1 gives to a logit").arg(pair),
                   tr("distance"), tr("part of the logit")};
    Curve measured, predicted;
    measured.name = tr("measured, mean");
    measured.ink = run() == Shown::Disrupted ? Ink::Disrupted : Ink::Baseline;
    measured.y = measured_logits(*attention(), q, k, head(), {first, second});
    predicted.name = tr("by the mean pair");
    predicted.ink = Ink::Muted;
    predicted.dashed = true;
    const double factor = turning.attention_factor();
    predicted.y =
        predicted_logits(q_means[static_cast<std::size_t>(pair)], k_means[static_cast<std::size_t>(pair)],
                         inv_freq, attention()->scale * factor * factor, static_cast<int>(measured.y.size()));
    for (Curve* curve : {&measured, &predicted}) {
      for (std::size_t i = 0; i < curve->y.size(); ++i) curve->x.push_back(static_cast<double>(i));
      distance.curves.push_back(*curve);
    }
    return {std::move(plane), std::move(agreement), std::move(lengths), std::move(distance)};
  }

  std::optional<double> selectedAt(const QString& id) const override {
    if (id == QLatin1String("pair_plane")) return std::nullopt;
    if (id == QLatin1String("pair_distance")) {
      const Selection& at = state().selection();
      const bool is_pair = at.position >= 0 && at.key >= 0 && at.key <= at.position;
      return is_pair ? std::optional<double>(at.position - at.key) : std::nullopt;
    }
    const auto rotary = axis().at(state().selection().dim);
    return rotary ? std::optional<double>(rotary->pair) : std::nullopt;
  }
  Selection selected(const QString& id, double x) const override {
    Selection selection = state().selection();
    const int at = std::max(0, static_cast<int>(x));
    if (id == QLatin1String("pair_distance")) {
      if (selection.position < 0) selection.position = shownPositions(data()) - 1;
      selection.key = std::max(0, selection.position - at);
    } else if (id != QLatin1String("pair_plane")) {
      const int pairs = static_cast<int>(axis().inv_freq().size());
      if (pairs > 0) selection.dim = axis().dims_of(std::min(at, pairs - 1)).first;
    }
    return clamped(selection, *data().spec(), shownPositions(data()));
  }

 private:
  int layer() const { return clamped(state().selection(), *data().spec(), 0).layer; }
  /// A selected KV head means the first that it serves.
  int head() const {
    return headBeside(clamped(state().selection(), *data().spec(), 0), Site::Query, *data().spec());
  }
  int keyHead() const { return head() / attention()->num_kv_groups(); }
  const AttentionSpec* attention() const { return data().spec()->attention(layer()); }
  int keysLayer() const { return keys_layer(*attention(), layer()); }
  FrequencyAxis axis() const { return shownAxis(data(), layer()); }
  Shown run() const { return state().look().shown == Shown::Disrupted ? Shown::Disrupted : Shown::Baseline; }
  const Array* values(Site site) const {
    return capturedValue(data(), run(), site == Site::Key ? keysLayer() : layer(), site);
  }
  /// That of the selected dim, else the one that is longest in Q.
  int pairAsked(const std::vector<PairMean>& q_means) const {
    if (const auto rotary = axis().at(state().selection().dim)) return rotary->pair;
    return static_cast<int>(std::ranges::max_element(q_means, {}, &PairMean::length) - q_means.begin());
  }

  static Curve curveOf(bool is_query) {
    Curve curve;
    curve.name = is_query ? QStringLiteral("Q") : QStringLiteral("K");
    curve.ink = is_query ? Ink::Query : Ink::Key;
    curve.marker = is_query ? Marker::Disc : Marker::Square;
    return curve;
  }

  static void addCloud(Chart& chart, const QString& name, Ink ink, Marker marker, const Array& values,
                       int head, std::pair<int, int> dims) {
    Curve cloud;
    cloud.name = name;
    cloud.ink = ink;
    cloud.marker = marker;
    cloud.stroke = Stroke::Points;
    std::vector<std::pair<double, double>> points;
    for (std::int64_t t = 0; t < values.size(0); ++t) {
      const std::span<const float> row = last_axis(values, t, head);
      points.emplace_back(row[static_cast<std::size_t>(dims.first)],
                          row[static_cast<std::size_t>(dims.second)]);
    }
    // As charts take them: from left to right.
    std::ranges::sort(points);
    for (const auto& [x, y] : points) {
      cloud.x.push_back(x);
      cloud.y.push_back(y);
    }
    chart.curves.push_back(std::move(cloud));
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("pairs"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Rotary pairs")), Place::Bottom, 7,
     QKeySequence(), [](ViewState& state, QWidget* parent) -> View* { return new PairsView(state, parent); },
     false});

}  // namespace

}  // namespace qkscope

#include "pairs_view.moc"
