// The residual stream after one layer, every number of it: channels x positions.
#include "views/channels.h"

#include <algorithm>
#include <cmath>

#include "views/map_model.h"
#include "views/position_map_view.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

Needs channelsNeeds(const ViewData& data, const Look& look, const Selection& selection) {
  Needs needs = massiveNeeds(look);
  if (!data.spec() || data.dump) return needs;
  needs.values = {Site::ResidPost};
  needs.value_layers = {clamped(selection, *data.spec(), 0).layer};
  return needs;
}

std::optional<Array> shownChannels(const ViewData& data, const Look& look, const Selection& selection) {
  const int layer = clamped(selection, *data.spec(), 0).layer;
  const auto values = [&](Shown run) { return capturedValue(data, run, layer, Site::ResidPost); };
  const bool difference = look.shown == Shown::Difference;
  const Array* shown = values(difference ? Shown::Disrupted : look.shown);
  const Array* before = difference ? values(Shown::Baseline) : shown;
  if (!shown || !before || shown->shape.size() != 2 || shown->shape != before->shape) return std::nullopt;
  Array drawn = *shown;
  if (difference) std::ranges::transform(drawn.data, before->data, drawn.data.begin(), std::minus<>());
  return drawn;
}

QString whyNoChannels(const ViewData& data, const Look& look, const Selection& selection) {
  if (const QString none = whyNoResidual(data, look); !none.isEmpty()) return none;
  return shownChannels(data, look, selection)
             ? QString()
             : Words::tr("The residual stream of this layer has not been computed yet.");
}

std::vector<FigureArray> channelArrays(const ViewData& data, const Look& look, const Selection& selection) {
  if (!whyNoChannels(data, look, selection).isEmpty()) return {};
  return {{QStringLiteral("h"),
           {QStringLiteral("position"), QStringLiteral("channel")},
           *shownChannels(data, look, selection)}};
}

class ChannelsView : public PositionMapView {
  Q_OBJECT
 public:
  ChannelsView(ViewState& state, QWidget* parent) : PositionMapView(state, parent) {
    setAccessibleName(tr("Residual stream after the selected layer, channels by positions"));
    // Along the positions only the marks move.
    connect(&state, &ViewState::selectionChanged, this, [this] {
      if (this->state().selection().layer != drawn_) scheduleRefresh();
    });
  }

  Needs needs() const override { return channelsNeeds(data(), state().look(), state().selection()); }
  QString figureTitle() const override {
    return tr("Residual stream, %1, channels by positions, %2")
        .arg(layerWords(data(), state().selection().layer), shownWords(state().look().shown));
  }
  QString whyNoFigure() const override { return whyNoChannels(data(), state().look(), state().selection()); }
  std::vector<FigureArray> figureArrays() const override {
    return channelArrays(data(), state().look(), state().selection());
  }

 protected:
  void refresh() override {
    drawn_ = state().selection().layer;
    PositionMapView::refresh();
  }
  PositionMap picture(const PlotStyle& style) const override {
    const Look& look = state().look();
    const Array h = *shownChannels(data(), look, state().selection());
    const bool difference = look.shown == Shown::Difference;
    const std::int64_t positions = h.size(0), channels = h.size(1);
    std::vector<float> values(h.data.size());
    for (std::int64_t t = 0; t < positions; ++t) {
      for (std::int64_t c = 0; c < channels; ++c)
        values[static_cast<std::size_t>(c * positions + t)] = difference ? h.at(t, c) : std::abs(h.at(t, c));
    }
    Look scale;
    scale.scale = difference ? ColorScale::SymLog : ColorScale::Log;
    PositionMap result;
    const ColorMap map = difference ? divergingMap(look.color_map) : recedingMap(!style.dark);
    result.bar = {difference ? tr("Δh (disrupted − baseline)") : QStringLiteral("|h|"),
                  map,
                  fitNorm({&values}, scale, difference),
                  {}};
    result.map = Heatmap(static_cast<int>(channels), static_cast<int>(positions), std::move(values));
    result.map.setColors(map, result.bar.norm);
    const int layer = clamped(state().selection(), *data().spec(), 0).layer;
    if (const ActivationSummary* summary = shownResidual(data(), residualRun(look), layer)) {
      for (const ActivationAt& at : summary->taken_by(look.activations))
        result.outlined.emplace_back(at.position, at.dim);
    }
    result.title = tr("Residual stream after %1").arg(layerWords(data(), layer));
    result.facts << tr("a row is a channel, a column a position") << shownWords(look.shown)
                 << (difference ? tr("symlog") : tr("log")) << map.name;
    result.foot = tr("outlined: massive activations, %1: %2")
                      .arg(residualRule(look), QString::number(result.outlined.size()));
    for (const QString& piece : data().pieces) result.tokens << visibleToken(piece);
    result.rows_from_zero = true;
    for (std::int64_t c = 0; c < channels; ++c) result.row_names << QString::number(c);
    return result;
  }
  QPoint selectedCell() const override { return {state().selection().position, -1}; }
  Selection selectionAt(const QPoint& cell) const override {
    Selection selection = state().selection();
    selection.position = cell.x();
    return clamped(selection, *data().spec(), shownPositions(data()));
  }
  QString wordsAt(const QPoint& cell) const override {
    const auto h = shownChannels(data(), state().look(), state().selection());
    if (!h || cell.x() >= h->size(0) || cell.y() < 0 || cell.y() >= h->size(1)) return absentWords(data());
    const int layer = clamped(state().selection(), *data().spec(), 0).layer;
    const ActivationSummary* summary = shownResidual(data(), residualRun(state().look()), layer);
    return residualWords(data(), layer, {cell.x(), cell.y(), h->at(cell.x(), cell.y())},
                         summary && state().look().shown != Shown::Difference ? summary->median : 0);
  }

 private:
  int drawn_ = -1;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("channels"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Residual stream of a layer")),
     Place::Bottom, 11, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ChannelsView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "channels_view.moc"
