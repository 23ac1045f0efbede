#include "views/residual.h"

#include <QLocale>
#include <algorithm>
#include <cmath>
#include <limits>

#include "views/token_text.h"

namespace qkscope {

Needs residualNeeds(const Look& look) {
  Needs needs;
  needs.activations.sites = {Site::ResidPost};
  needs.activations.rule = look.activations;
  needs.activations.every_position = true;
  return needs;
}

const ActivationSummary* shownResidual(const ViewData& data, Shown run, int layer) {
  if (!data.comparison) return nullptr;
  const auto& pass = run == Shown::Baseline ? data.comparison->baseline : data.comparison->disrupted;
  if (!pass) return nullptr;
  const auto found = pass->capture.activations.find({layer, Site::ResidPost});
  return found == pass->capture.activations.end() ? nullptr : &found->second;
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

ResidualMap residualMap(const ViewData& data, const Look& look, bool reversed) {
  ResidualMap result;
  const int layers = data.spec()->num_layers(), positions = shownPositions(data);
  const bool difference = look.shown == Shown::Difference;
  const auto width = static_cast<std::size_t>(positions);
  std::vector<float> values(width * static_cast<std::size_t>(layers),
                            std::numeric_limits<float>::quiet_NaN());
  for (int layer = 0; layer < layers; ++layer) {
    const ActivationSummary* shown = shownResidual(data, difference ? Shown::Disrupted : look.shown, layer);
    const ActivationSummary* before = difference ? shownResidual(data, Shown::Baseline, layer) : nullptr;
    if (!shown || shown->largest.size() != width ||
        (difference && (!before || before->largest.size() != width)))
      continue;
    ++result.computed;
    for (std::size_t t = 0; t < width; ++t) {
      float& cell = values[static_cast<std::size_t>(layer) * width + t];
      cell = std::abs(shown->largest[t].value);
      if (before) cell -= std::abs(before->largest[t].value);
    }
    for (const ActivationAt& at : (before ? before : shown)->taken_by(look.activations)) {
      const QPoint cell(at.position, layer);
      if (result.massive.empty() || result.massive.back() != cell) result.massive.push_back(cell);
    }
  }
  Look scale;  // the whole range, and decades: one number may be ten thousand times the others
  scale.scale = difference ? ColorScale::SymLog : ColorScale::Log;
  ColorMap map = difference ? divergingMap(look.color_map) : colorMap(QStringLiteral("magma"));
  if (!difference && reversed) {
    std::ranges::reverse(map.colors);
    map.name += QStringLiteral("_r");
  }
  result.bar = {
      difference ? Words::tr("Δ max |h| (disrupted − baseline)") : Words::tr("max over dims of |h|"),
      map,
      fitNorm({&values}, scale, difference),
      {}};
  result.map = Heatmap(layers, positions, std::move(values));
  result.map.setColors(map, result.bar.norm);
  return result;
}

}  // namespace qkscope
