#include <QMenu>
#include <cmath>

#include "views/activation_pointing.h"
#include "views/arms.h"
#include "views/position_map_view.h"
#include "views/residual.h"
#include "views/view_registry.h"

namespace qkscope {

/// The residual stream over layers x positions: where its massive activations stand.
class ResidualView : public PositionMapView {
  Q_OBJECT
 public:
  ResidualView(ViewState& state, QWidget* parent) : PositionMapView(state, parent) {
    setAccessibleName(tr("Residual stream, layers by positions"));
  }

  Needs needs() const override { return residualNeeds(state().look()); }
  void setArms(const Arms& arms) override { arms_ = arms; }
  QString figureTitle() const override {
    return tr("Residual stream, largest |h| by layer and position, %1").arg(shownWords(state().look().shown));
  }
  QString whyNoFigure() const override { return whyNoResidual(data(), state().look()); }
  std::vector<FigureArray> figureArrays() const override {
    if (!whyNoFigure().isEmpty()) return {};
    const PositionMap residual = picture(PlotStyle::of(*this));
    const std::int64_t layers = residual.map.rows(), positions = residual.map.columns();
    const QStringList axes{QStringLiteral("layer"), QStringLiteral("position")};
    FigureArray dims{QStringLiteral("dim"), axes, {{layers, positions}, {}}};
    FigureArray medians{QStringLiteral("median"), {QStringLiteral("layer")}, {{layers}, {}}};
    for (int layer = 0; layer < layers; ++layer) {
      const ActivationSummary* summary = shownResidual(data(), residualRun(state().look()), layer);
      const bool there = summary && static_cast<std::int64_t>(summary->largest.size()) == positions;
      for (std::size_t t = 0; t < static_cast<std::size_t>(positions); ++t)
        dims.array.data.push_back(there ? static_cast<float>(summary->largest[t].dim) : NAN);
      medians.array.data.push_back(summary ? summary->median : NAN);
    }
    return {{QStringLiteral("max_abs_h"), axes, {{layers, positions}, residual.map.values()}},
            std::move(dims),
            std::move(medians)};
  }

 protected:
  PositionMap picture(const PlotStyle& style) const override {
    return residualMap(data(), state().look(), !style.dark);
  }
  QString whyNotYet(const PositionMap& picture) const override {
    const bool some = std::ranges::count(picture.rows_missing, false) > 0;
    return some ? QString() : tr("No layer has been computed yet");
  }
  QPoint selectedCell() const override {
    const Selection now = clamped(state().selection(), *data().spec(), shownPositions(data()));
    return {now.position, now.layer};
  }
  Selection selectionAt(const QPoint& cell) const override {
    Selection selection = state().selection();
    selection.layer = cell.y();
    selection.position = cell.x();
    return clamped(selection, *data().spec(), shownPositions(data()));
  }
  QString wordsAt(const QPoint& cell) const override {
    const auto words = [&](Shown run) {
      const ActivationSummary* summary = shownResidual(data(), run, cell.y());
      if (!summary || static_cast<std::size_t>(cell.x()) >= summary->largest.size())
        return absentWords(data());
      return residualWords(data(), cell.y(), summary->largest[static_cast<std::size_t>(cell.x())],
                           summary->median);
    };
    if (state().look().shown != Shown::Difference) return words(state().look().shown);
    return tr("%1 → %2").arg(words(Shown::Baseline), words(Shown::Disrupted));
  }
  void showMenuAt(const QPoint& cell, const QPoint& global) override {
    QMenu menu(this);
    fillActivationMenu(
        menu, state().look(), pointedActivation(data(), state().look(), selectionAt(cell)),
        [this](const ActivationEdit& edit) { Q_EMIT armsEdited(withActivations(arms_, edit)); });
    menu.exec(global);
  }

 private:
  Arms arms_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("residual"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Residual stream")), Place::Bottom,
     3, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ResidualView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "residual_view.moc"
