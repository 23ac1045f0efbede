#include "views/residual.h"

#include <QLocale>
#include <algorithm>
#include <cmath>
#include <limits>

#include "views/token_text.h"

namespace qkscope {

Needs massiveNeeds(const Look& look) {
  Needs needs;
  needs.activations.sites = {Site::ResidPost};
  needs.activations.rule = look.activations;
  return needs;
}

Needs residualNeeds(const Look& look) {
  Needs needs = massiveNeeds(look);
  needs.activations.every_position = true;
  return needs;
}

std::vector<int> massivePositions(const ViewData& data, const Look& look) {
  const Capture* baseline = shownCapture(data, Shown::Baseline);
  return baseline ? left_out_positions({LeftOut::Which::Massive, {}, look.activations}, *baseline)
                  : std::vector<int>();
}

const ActivationSummary* shownResidual(const ViewData& data, Shown run, int layer) {
  const Capture* capture = shownCapture(data, run);
  if (!capture) return nullptr;
  const auto found = capture->activations.find({layer, Site::ResidPost});
  return found == capture->activations.end() ? nullptr : &found->second;
}

QString whyNoResidual(const ViewData& data, const Look& look) {
  if (data.dump) return Words::tr("Files of Q, K and V hold no residual stream: open a model to see it");
  return whyNothing(data, look);
}

Shown residualRun(const Look& look) {
  return look.shown == Shown::Disrupted ? Shown::Disrupted : Shown::Baseline;
}

QString residualWords(const ViewData& data, int layer, const ActivationAt& at, float median) {
  QString token = data.pieces.value(at.position);
  if (!token.isEmpty()) token = u' ' + visibleToken(token);
  QStringList words{Words::tr("h = %1").arg(numberWords(static_cast<double>(at.value))),
                    layerWords(data, layer), Words::tr("position %1").arg(at.position) + token,
                    Words::tr("dim %1").arg(at.dim)};
  if (median > 0)
    words << Words::tr("%1 × median").arg(numberWords(std::abs(static_cast<double>(at.value / median))));
  return words.join(QStringLiteral(" · "));
}

QString residualRule(const Look& look) {
  return Words::tr("|h| > %1 and > %2 × median of the layer")
      .arg(exactWords(look.activations.least), exactWords(look.activations.times_median));
}

PositionMap residualMap(const ViewData& data, const Look& look, bool light) {
  const int layers = data.spec()->num_layers(), positions = shownPositions(data);
  const bool difference = look.shown == Shown::Difference;
  const auto width = static_cast<std::size_t>(positions);
  PositionMap result;
  std::vector<float> values(width * static_cast<std::size_t>(layers),
                            std::numeric_limits<float>::quiet_NaN());
  for (int layer = 0; layer < layers; ++layer) {
    const ActivationSummary* shown = shownResidual(data, difference ? Shown::Disrupted : look.shown, layer);
    const ActivationSummary* before = difference ? shownResidual(data, Shown::Baseline, layer) : shown;
    const bool there = shown && before && shown->largest.size() == width && before->largest.size() == width;
    result.rows_missing.push_back(!there);
    if (!there) continue;
    for (std::size_t t = 0; t < width; ++t) {
      float& cell = values[static_cast<std::size_t>(layer) * width + t];
      cell = std::abs(shown->largest[t].value);
      if (difference) cell -= std::abs(before->largest[t].value);
    }
    for (const ActivationAt& at : before->taken_by(look.activations)) {
      const QPoint cell(at.position, layer);
      if (result.outlined.empty() || result.outlined.back() != cell) result.outlined.push_back(cell);
    }
  }
  Look scale;  // the whole range, and decades: one number may be ten thousand times the others
  scale.scale = difference ? ColorScale::SymLog : ColorScale::Log;
  const ColorMap map = difference ? divergingMap(look.color_map) : recedingMap(light);
  result.bar = {
      difference ? Words::tr("Δ max |h| (disrupted − baseline)") : Words::tr("max over dims of |h|"),
      map,
      fitNorm({&values}, scale, difference),
      {}};
  result.map = Heatmap(layers, positions, std::move(values));
  result.map.setColors(map, result.bar.norm);

  result.title = Words::tr("Residual stream");
  result.facts << Words::tr("max over dims of |h[position, dim]| after each layer") << shownWords(look.shown);
  if (const auto missing = std::ranges::count(result.rows_missing, true); missing > 0)
    result.facts << Words::tr("%1 of %2 layers so far").arg(layers - missing).arg(layers);
  result.facts << (difference ? Words::tr("symlog") : Words::tr("log")) << map.name;
  const QString outlined = difference
                               ? Words::tr("outlined: massive activations of the baseline, %1: %2 cells")
                               : Words::tr("outlined: massive activations, %1: %2 cells");
  result.foot =
      outlined.arg(residualRule(look), QLocale().toString(static_cast<qlonglong>(result.outlined.size())));
  for (const QString& piece : data.pieces) result.tokens << visibleToken(piece);
  result.row_names = layerLabels(data);
  return result;
}

}  // namespace qkscope
