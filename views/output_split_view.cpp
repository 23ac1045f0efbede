// What a head's attention adds up, in two parts: from the positions of massive activations, and the rest
// (section 4.2 of "Massive Activations in Large Language Models").
#include "core/analysis/attention_split.h"
#include "core/analysis/logit_parts.h"
#include "views/curves_view.h"
#include "views/map_model.h"
#include "views/patterns.h"
#include "views/residual.h"
#include "views/view_registry.h"

namespace qkscope {

class OutputSplitView : public CurvesView {
  Q_OBJECT
 public:
  OutputSplitView(ViewState& state, QWidget* parent) : CurvesView(state, parent) {
    setAccessibleName(tr("The attention output of the selected head, in two parts"));
    connect(&state, &ViewState::selectionChanged, this, [this] { tellNeeds(); });
  }

  Needs needs() const override {
    Needs needs = massiveNeeds(state().look());
    if (!attention() || data().dump || data().prompt_tokens > longest_patterns) return needs;
    needs.patterns = {head()};
    needs.values = {Site::Value};
    needs.value_layers = {keys_layer(*attention(), head().layer)};
    return needs;
  }
  QString whyNoFigure() const override {
    if (const QString none = whyNoPattern(data(), state().look(), state().selection()); !none.isEmpty())
      return none;
    if (massivePositions(data(), state().look()).empty())
      return tr("No position has a massive activation, %1: there is nothing to set apart")
          .arg(residualRule(state().look()));
    return splitOf(Shown::Baseline) ? QString() : tr("The pattern of this head has not been computed yet.");
  }
  QString figureTitle() const override {
    return tr("Attention output in two parts, layer %1, head %2").arg(head().layer + 1).arg(head().head + 1);
  }

 protected:
  std::vector<Chart> charts() const override {
    const QString from = positionList(massivePositions(data(), state().look()));
    Chart lengths{
        QStringLiteral("output_lengths"),
        tr("Length of Σ attention × V, head %1; massive: position %2").arg(head().head + 1).arg(from),
        tr("query position"), tr("length")};
    Chart cosines{QStringLiteral("output_cosines"), tr("How much each part stays itself over the queries"),
                  tr("query position"), tr("cosine with its mean")};
    for (const Shown run : {Shown::Baseline, Shown::Disrupted}) {
      const auto split = splitOf(run);
      if (!split) continue;
      Array whole = split->part;
      for (std::size_t i = 0; i < whole.data.size(); ++i) whole.data[i] += split->rest.data[i];
      add(lengths, tr("massive"), run, Marker::Disc, row_lengths(split->part));
      add(lengths, tr("rest"), run, Marker::Square, row_lengths(split->rest));
      add(lengths, tr("together"), run, Marker::None, row_lengths(whole));
      add(cosines, tr("massive"), run, Marker::Disc, cosines_with_mean(split->part));
      add(cosines, tr("rest"), run, Marker::Square, cosines_with_mean(split->rest));
    }
    return {std::move(lengths), std::move(cosines)};
  }
  std::optional<double> selectedAt(const QString&) const override {
    const int position = state().selection().position;
    return position >= 0 ? std::optional<double>(position) : std::nullopt;
  }
  Selection selected(const QString&, double x) const override {
    Selection selection = state().selection();
    selection.position = static_cast<int>(x);
    return clamped(selection, *data().spec(), shownPositions(data()));
  }

 private:
  /// The query head that is meant: a selected KV head's first.
  HeadId head() const {
    if (!data().spec()) return {};
    const Selection now = clamped(state().selection(), *data().spec(), shownPositions(data()));
    return {now.layer, headBeside(now, Site::Query, *data().spec())};
  }
  const AttentionSpec* attention() const {
    return data().spec() ? data().spec()->attention(head().layer) : nullptr;
  }
  std::optional<OutputSplit> splitOf(Shown run) const {
    const Capture* capture = shownCapture(data(), run);
    const Array* pattern = capture ? capture->pattern(head()) : nullptr;
    const Array* values = capturedValue(data(), run, keys_layer(*attention(), head().layer), Site::Value);
    if (!pattern || !values) return std::nullopt;
    return split_output(*pattern, *values, head().head / attention()->num_kv_groups(),
                        massivePositions(data(), state().look()));
  }
  static void add(Chart& chart, const QString& name, Shown run, Marker marker, std::vector<double> y) {
    Curve curve;
    const bool disrupted = run == Shown::Disrupted;
    curve.name = disrupted ? tr("%1 disrupted").arg(name) : name;
    curve.ink = disrupted ? Ink::Disrupted : marker == Marker::None ? Ink::Muted : Ink::Baseline;
    curve.dashed = disrupted;
    curve.marker = marker;
    curve.y = std::move(y);
    for (std::size_t i = 0; i < curve.y.size(); ++i) curve.x.push_back(static_cast<double>(i));
    chart.curves.push_back(std::move(curve));
  }
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("split"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Attention output in two parts")),
     Place::Bottom, 8, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new OutputSplitView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "output_split_view.moc"
