#include <QLocale>
#include <algorithm>
#include <cmath>

#include "core/analysis/attention_sinks.h"
#include "core/analysis/logit_parts.h"
#include "views/map_model.h"
#include "views/patterns.h"
#include "views/position_map_view.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// The query head that is meant, a selected KV head's first, or the mean over all of the layer.
HeadId headOf(const ViewData& data, const ViewState& state) {
  const Selection now = clamped(state.selection(), *data.spec(), shownPositions(data));
  return {now.layer, state.look().head_mean ? HeadId::mean : headBeside(now, Site::Query, *data.spec())};
}

QString headWords(HeadId head) {
  return head.head == HeadId::mean ? Words::tr("mean over the heads")
                                   : Words::tr("head %1").arg(head.head + 1);
}

}  // namespace

/// What every position of the prompt attends to, in the selected head or meaned over its layer: queries x
/// keys.
class AttentionView : public PositionMapView {
  Q_OBJECT
 public:
  AttentionView(ViewState& state, QWidget* parent) : PositionMapView(state, parent) {
    setAccessibleName(tr("Attention pattern of the selected head, queries by keys"));
    // Along the positions of one head only the marks move.
    connect(&state, &ViewState::selectionChanged, this, [this] {
      if (this->data().spec() && headOf(this->data(), this->state()) != drawn_) scheduleRefresh();
    });
  }

  Needs needs() const override {
    Needs needs;
    if (!data().spec() || data().dump || data().prompt_tokens > longest_patterns) return needs;
    const HeadId head = headOf(data(), state());
    if (!tooLong().isEmpty()) return needs;
    needs.patterns = patternsOf(*data().spec(), state().look(), head);
    const AttentionSpec* attention = data().spec()->attention(head.layer);
    if (attention && state().look().times_value) {
      needs.values = {Site::Value};
      needs.value_layers = {keys_layer(*attention, head.layer)};
    }
    return needs;
  }
  QString figureTitle() const override {
    const HeadId head = headOf(data(), state());
    const QString what =
        state().look().times_value ? tr("Attention times length of the value") : tr("Attention pattern");
    return tr("%1, layer %2, %3, %4")
        .arg(what, QString::number(head.layer + 1), headWords(head), shownWords(state().look().shown));
  }
  QString whyNoFigure() const override {
    const QString none = whyNoPattern(data(), state().look(), state().selection());
    if (!none.isEmpty()) return none;
    if (const QString long_words = tooLong(); !long_words.isEmpty()) return long_words;
    return hasPattern(data(), state().look(), headOf(data(), state()))
               ? QString()
               : tr("This pattern has not been computed yet.");
  }
  std::vector<FigureArray> figureArrays() const override {
    if (!whyNoFigure().isEmpty()) return {};
    const PositionMap drawn = picture(PlotStyle::of(*this));
    return {{state().look().times_value ? QStringLiteral("attention_times_value")
                                        : QStringLiteral("attention_pattern"),
             {QStringLiteral("query"), QStringLiteral("key")},
             {{drawn.map.rows(), drawn.map.columns()}, drawn.map.values()}}};
  }

 protected:
  void refresh() override {
    if (data().spec()) drawn_ = headOf(data(), state());
    PositionMapView::refresh();
  }
  PositionMap picture(const PlotStyle& style) const override {
    const Look& look = state().look();
    const bool difference = look.shown == Shown::Difference;
    std::vector<float> values = std::move(drawnPattern(data(), look, headOf(data(), state()))->data);
    const Array& shown = *pattern(difference ? Shown::Disrupted : look.shown);
    const int positions = static_cast<int>(shown.size(0));
    PositionMap result;
    result.rows_are_tokens = true;
    Look scale = look;
    scale.range = ColorRange::Full;
    ColorMap map = difference ? divergingMap(look.color_map) : recedingMap(!style.dark);
    map.nan = style.background.rgb();
    const HeadId head = headOf(data(), state());
    const bool times = look.times_value;
    result.bar = {difference ? (times ? tr("Δ attention × ‖v‖ (disrupted − baseline)")
                                      : tr("Δ attention (disrupted − baseline)"))
                             : (times ? tr("attention × ‖v‖ of the key") : tr("attention after softmax")),
                  map,
                  fitNorm({&values}, scale, difference),
                  {}};
    result.map = Heatmap(positions, positions, std::move(values));
    result.map.setColors(map, result.bar.norm);
    result.title = times ? tr("Attention × length of the value") : tr("Attention");
    result.facts << layerWords(data(), head.layer) << headWords(head)
                 << tr("a row is a query, a column a key") << shownWords(look.shown) << map.name;
    for (const QString& piece : data().pieces) result.tokens << visibleToken(piece);
    result.row_names = result.tokens;
    result.foot = footOf(shown);
    return result;
  }
  QPoint selectedCell() const override { return {state().selection().key, state().selection().position}; }
  Selection selectionAt(const QPoint& cell) const override {
    Selection selection = state().selection();
    selection.key = cell.x();
    selection.position = cell.y();
    return clamped(selection, *data().spec(), shownPositions(data()));
  }
  QString wordsAt(const QPoint& cell) const override {
    if (cell.x() > cell.y()) return tr("a position attends to none that comes later");
    const auto part = [&](Shown run) {
      const Array* values = pattern(run);
      return values && cell.y() < values->size(0)
                 ? percentWords(static_cast<double>(values->at(cell.y(), cell.x())))
                 : absentWords(data());
    };
    const HeadId head = headOf(data(), state());
    const auto added = [&](Shown run) {
      const auto adds = addedBy(data(), run, head, cell.y(), cell.x());
      if (!adds) return absentWords(data());
      if (head.head == HeadId::mean) return tr("adds %1 on the mean over the heads").arg(numberWords(*adds));
      const double length = valueLengths(data(), run, head)[static_cast<std::size_t>(cell.x())];
      return tr("length %1, adds %2").arg(numberWords(length), numberWords(*adds));
    };
    const Shown shown = state().look().shown;
    const auto words = [&](const auto& of) {
      return shown == Shown::Difference ? tr("%1 → %2").arg(of(Shown::Baseline), of(Shown::Disrupted))
                                        : of(shown);
    };
    QString text = tr("%1 of the attention of %2 goes to %3")
                       .arg(words(part), positionWords(cell.y()), positionWords(cell.x()));
    if (state().look().times_value) text += tr(" · its value: %1").arg(words(added));
    return text;
  }

 private:
  /// The patterns of all heads of a layer are kept of shorter prompts than that of one.
  QString tooLong() const {
    const bool all = state().look().times_value && headOf(data(), state()).head == HeadId::mean;
    const int positions = std::max(data().prompt_tokens, shownPositions(data()));
    if (!all || positions <= longest_grid) return {};
    return tr("Meaned over the heads, attention times the length of the value is drawn of prompts of up to "
              "%1 "
              "tokens; this one has %2: choose one head")
        .arg(longest_grid)
        .arg(positions);
  }
  const Array* pattern(Shown run) const {
    const Capture* capture = shownCapture(data(), run);
    return capture ? capture->pattern(headOf(data(), state())) : nullptr;
  }
  QString positionWords(int position) const {
    return tr("position %1 %2").arg(position).arg(visibleToken(data().pieces.value(position)));
  }
  /// How much the first position takes, a learned sink where there is one, and over how much the rest is
  /// spread.
  QString footOf(const Array& shown) const {
    const std::int64_t positions = shown.size(0);
    if (positions < 2) return {};
    double first = 0, all = 0;
    for (std::int64_t query = 1; query < positions; ++query) {
      first += static_cast<double>(shown.at(query, 0));
      for (std::int64_t key = 0; key <= query; ++key) all += static_cast<double>(shown.at(query, key));
    }
    const double queries = static_cast<double>(positions - 1);
    QString words =
        tr("to position 0 on the mean over the later queries: %1").arg(percentWords(first / queries));
    // Rows of a head with a learned sink sum to less than one.
    if (all / queries < 0.9999)
      words += tr(" · to the learned sink: %1").arg(percentWords(1 - all / queries));
    if (headOf(data(), state()).head != HeadId::mean) {
      const double keys = std::exp(mean_entropy({{1, positions, positions}, shown.data}));
      words += tr(" · spread as over %1 equal keys").arg(numberWords(keys));
    }
    return words;
  }

  HeadId drawn_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("attention"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Attention")), Place::Bottom, 5,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new AttentionView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "attention_view.moc"
