// Why a query attends to a key: their logit taken apart by dims, by frequencies, and over all keys.
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/analysis/logit_parts.h"
#include "views/curves_view.h"
#include "views/map_model.h"
#include "views/ruler.h"
#include "views/shown.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// What is asked about, all 0-based.
struct Asked {
  int layer = 0, head = 0, query = 0, key = 0;
};

/// A selected KV head means the first that it serves; without a query the last position is meant, without a
/// key the first.
Asked askedOf(const ViewData& data, const Selection& selection) {
  const Selection now = clamped(selection, *data.spec(), shownPositions(data));
  const int query = now.position >= 0 ? now.position : std::max(0, shownPositions(data) - 1);
  return {now.layer, headBeside(now, Site::Query, *data.spec()), query, std::max(0, now.key)};
}

}  // namespace

class LogitView : public CurvesView {
  Q_OBJECT
 public:
  LogitView(ViewState& state, QWidget* parent) : CurvesView(state, parent) {
    setAccessibleName(tr("The attention logit of one query and key, taken apart"));
    connect(&state, &ViewState::selectionChanged, this, [this] { tellNeeds(); });
  }

  Needs needs() const override {
    Needs needs;
    const AttentionSpec* attention = attentionAsked();
    if (!attention || data().dump) return needs;
    const Asked asked = askedOf(data(), state().selection());
    needs.values = {Site::Query, Site::Key};
    needs.norms = {Site::Query, Site::Key};
    needs.value_layers = needs.layers = sorted({asked.layer, keys_layer(*attention, asked.layer)});
    return needs;
  }
  QString whyNoFigure() const override {
    if (data().dump) return tr("Files of Q, K and V do not say how scores are made: open a model to see it");
    const QString nothing = whyNothing(data(), state().look());
    if (!nothing.isEmpty()) return nothing;
    const Asked asked = askedOf(data(), state().selection());
    const QString none = whyNoHeads(*data().spec(), asked.layer, Site::Query);
    if (!none.isEmpty()) return none;
    if (!sees(*attentionAsked(), asked.query, asked.key))
      return tr("The query at %1 does not see the key at %2: click a cell of the attention map")
          .arg(positionWords(asked.query), positionWords(asked.key));
    return partsOf(Shown::Baseline, asked.key) ? QString()
                                               : tr("Q and K of this layer have not been computed yet.");
  }
  QString figureTitle() const override {
    const Asked asked = askedOf(data(), state().selection());
    return tr("Attention logit, layer %1, head %2, from %3 to %4")
        .arg(asked.layer + 1)
        .arg(asked.head + 1)
        .arg(positionWords(asked.query), positionWords(asked.key));
  }

 protected:
  std::vector<Chart> charts() const override {
    const Asked asked = askedOf(data(), state().selection());
    Chart dims{
        QStringLiteral("logit_dims"),
        tr("From %1 to %2: %3").arg(positionWords(asked.query), positionWords(asked.key), logitWords(asked)),
        tr("dim"), tr("part of the logit")};
    Chart pairs{QStringLiteral("logit_pairs"), tr("By rotary pair"), QString(), tr("part of the logit")};
    Chart keys{QStringLiteral("logit_keys"), tr("All keys of %1").arg(positionWords(asked.query)),
               tr("key position"), tr("logit")};
    const FrequencyAxis axis = shownAxis(data(), asked.layer);
    const std::vector<std::uint8_t> massive = massiveDims(asked);
    const QString massive_words = tr("massive: %1").arg(inRuns(asked, [&massive](const LogitParts& parts) {
      return parts.of(massive);
    }));
    for (const Shown run : {Shown::Baseline, Shown::Disrupted}) {
      const auto parts = partsOf(run, asked.key);
      if (!parts) continue;
      const bool disrupted = run == Shown::Disrupted;
      addDims(dims, *parts, massive, massive_words, disrupted);
      addPairs(pairs, *parts, axis, disrupted);
      addKeys(keys, asked, massive, axis, run);
    }
    const auto parts = partsOf(Shown::Baseline, asked.key);
    QStringList beside;
    if (axis.inv_freq().empty()) {
      pairs.missing = whyNoRuler(*data().spec(), asked.layer);
    } else {
      const std::vector<double> by_pair = parts->by_pair(axis);
      double rest = parts->product();
      for (const double part : by_pair) rest -= part;
      pairs.x_label =
          tr("pair: %1 to %2 tokens a turn")
              .arg(waveWords(axis, 0), waveWords(axis, static_cast<int>(axis.inv_freq().size()) - 1));
      if (2 * by_pair.size() < parts->dims.size()) beside << tr("dims without one %1").arg(words(rest));
    }
    if (attentionAsked()->softcap > 0) beside << tr("soft-cap %1").arg(words(parts->softcap));
    if (attentionAsked()->alibi) beside << tr("ALiBi %1").arg(words(parts->bias));
    if (!beside.isEmpty()) pairs.title += QStringLiteral(" · ") + beside.join(QStringLiteral(" · "));
    return {std::move(dims), std::move(pairs), std::move(keys)};
  }

  std::optional<double> selectedAt(const QString& id) const override {
    const Asked asked = askedOf(data(), state().selection());
    const int dim = state().selection().dim;
    if (id == QLatin1String("logit_keys")) return asked.key;
    if (dim < 0) return std::nullopt;
    if (id == QLatin1String("logit_dims")) return dim;
    const auto rotary = shownAxis(data(), asked.layer).at(dim);
    return rotary ? std::optional<double>(rotary->pair) : std::nullopt;
  }
  Selection selected(const QString& id, double x) const override {
    Selection selection = state().selection();
    const int at = std::max(0, static_cast<int>(x));
    if (id == QLatin1String("logit_keys")) {
      const Asked asked = askedOf(data(), selection);
      selection.position = asked.query;
      selection.key = std::min(at, asked.query);
    } else if (id == QLatin1String("logit_dims")) {
      selection.dim = at;
    } else {
      const FrequencyAxis axis = shownAxis(data(), selection.layer);
      const int pairs = static_cast<int>(axis.inv_freq().size());
      if (pairs > 0) selection.dim = axis.dims_of(std::min(at, pairs - 1)).first;
    }
    return clamped(selection, *data().spec(), shownPositions(data()));
  }

 private:
  static QString words(double part) { return numberWords(part); }
  static QString waveWords(const FrequencyAxis& axis, int pair) {
    return wavelengthWords(axis.at(axis.dims_of(pair).first)->wavelength);
  }
  static std::vector<int> sorted(std::vector<int> layers) {
    std::ranges::sort(layers);
    layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
    return layers;
  }
  /// Of the layer that is asked about; null where it has none.
  const AttentionSpec* attentionAsked() const {
    if (!data().spec()) return nullptr;
    return data().spec()->attention(clamped(state().selection(), *data().spec(), 0).layer);
  }
  QString positionWords(int position) const {
    return tr("%1 %2").arg(position).arg(visibleToken(data().pieces.value(position)));
  }

  /// Of one run, of the query that is asked about and a key; nothing where it has not come or is not seen.
  std::optional<LogitParts> partsOf(Shown run, int key) const {
    const Asked asked = askedOf(data(), state().selection());
    const AttentionSpec& attention = *attentionAsked();
    const Array* q = capturedValue(data(), run, asked.layer, Site::Query);
    const Array* k = capturedValue(data(), run, keys_layer(attention, asked.layer), Site::Key);
    if (!q || !k || asked.query >= q->size(0) || key >= k->size(0) || !sees(attention, asked.query, key))
      return std::nullopt;
    return logit_parts(attention, *q, *k, asked.head, asked.query, key);
  }

  /// Of the head that is asked about: a flag for each dim that is massive in its Q or K of the baseline.
  std::vector<std::uint8_t> massiveDims(const Asked& asked) const {
    const AttentionSpec& attention = *attentionAsked();
    std::vector<std::uint8_t> flags(static_cast<std::size_t>(attention.head_dim));
    Pick rule;
    rule.lambda = state().look().lambda;
    const auto mark = [&](const Array* m, int head) {
      if (!m) return;
      const std::vector<std::uint8_t> taken = select(*m, rule);
      for (std::size_t d = 0; d < flags.size(); ++d)
        flags[d] |= taken.at(static_cast<std::size_t>(head) * flags.size() + d);
    };
    mark(runNorm(data(), state().look(), Shown::Baseline, asked.layer, Site::Query), asked.head);
    mark(runNorm(data(), state().look(), Shown::Baseline, keys_layer(attention, asked.layer), Site::Key),
         asked.head / attention.num_kv_groups());
    return flags;
  }

  /// "3.08", with an edit "3.08 → 1.2".
  QString inRuns(const Asked& asked, const std::function<double(const LogitParts&)>& number) const {
    QStringList all;
    for (const Shown run : {Shown::Baseline, Shown::Disrupted}) {
      if (const auto parts = partsOf(run, asked.key)) all << words(number(*parts));
    }
    return all.join(QStringLiteral(" → "));
  }
  QString logitWords(const Asked& asked) const {
    return inRuns(asked, [](const LogitParts& parts) { return parts.logit(); });
  }
  static Curve curveOf(const QString& name, bool disrupted) {
    Curve curve;
    curve.name = disrupted ? tr("%1, disrupted").arg(name) : name;
    curve.ink = disrupted ? Ink::Disrupted : Ink::Baseline;
    // Points beside stems: both are seen where they are alike.
    curve.stroke = disrupted ? Stroke::Points : Stroke::Stems;
    curve.marker = disrupted ? Marker::Square : Marker::None;
    return curve;
  }

  static void addDims(Chart& chart, const LogitParts& parts, const std::vector<std::uint8_t>& massive,
                      const QString& massive_words, bool disrupted) {
    Curve all = curveOf(tr("dims"), disrupted), strong = all;
    strong.name = massive_words;
    strong.stroke = Stroke::Points;
    strong.marker = Marker::Disc;
    strong.ink = Ink::Key;
    for (std::size_t d = 0; d < parts.dims.size(); ++d) {
      all.x.push_back(static_cast<double>(d));
      all.y.push_back(parts.dims[d]);
      if (!massive[d]) continue;
      strong.x.push_back(static_cast<double>(d));
      strong.y.push_back(parts.dims[d]);
    }
    chart.curves.push_back(std::move(all));
    if (!disrupted && !strong.x.empty()) chart.curves.push_back(std::move(strong));
  }

  static void addPairs(Chart& chart, const LogitParts& parts, const FrequencyAxis& axis, bool disrupted) {
    Curve curve = curveOf(tr("pairs"), disrupted);
    const std::vector<double> by_pair = parts.by_pair(axis);
    for (std::size_t pair = 0; pair < by_pair.size(); ++pair) {
      curve.x.push_back(static_cast<double>(pair));
      curve.y.push_back(by_pair[pair]);
    }
    chart.curves.push_back(std::move(curve));
  }

  void addKeys(Chart& chart, const Asked& asked, const std::vector<std::uint8_t>& massive,
               const FrequencyAxis& axis, Shown run) const {
    const bool disrupted = run == Shown::Disrupted;
    Curve logit = curveOf(tr("logit"), disrupted), strong, slow;
    logit.stroke = Stroke::Line;
    logit.dashed = disrupted;
    logit.marker = Marker::None;
    strong.name = tr("massive dims");
    strong.ink = Ink::Key;
    slow.name = tr("low frequencies");
    slow.ink = Ink::Muted;
    slow.dashed = true;
    for (int key = 0; key <= asked.query; ++key) {
      const auto parts = partsOf(run, key);
      if (!parts) continue;
      for (Curve* curve : {&logit, &strong, &slow}) curve->x.push_back(key);
      logit.y.push_back(parts->logit());
      strong.y.push_back(parts->of(massive));
      double low = 0;
      for (std::size_t d = 0; d < parts->dims.size(); ++d)
        low += axis.low_frequency(static_cast<int>(d)) ? parts->dims[d] : 0;
      slow.y.push_back(low);
    }
    chart.curves.push_back(std::move(logit));
    // Beside two logits more lines would bury both.
    if (disrupted || data().comparison->disrupted) return;
    if (std::ranges::find(massive, 1) != massive.end()) chart.curves.push_back(std::move(strong));
    if (!axis.inv_freq().empty()) chart.curves.push_back(std::move(slow));
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("logit"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Why this token")), Place::Bottom, 6,
     QKeySequence(), [](ViewState& state, QWidget* parent) -> View* { return new LogitView(state, parent); },
     false});

}  // namespace

}  // namespace qkscope

#include "logit_view.moc"
