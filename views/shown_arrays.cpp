// The arrays of runs that pictures and panels are made of, and which positions their M is over.
#include <algorithm>

#include "views/counted.h"
#include "views/shown.h"

namespace qkscope {

namespace {

const Run* runOf(const ViewData& data, Shown shown) {
  if (!data.comparison) return nullptr;
  return shown == Shown::Disrupted ? data.comparison->disrupted.get() : data.comparison->baseline.get();
}

/// `read` gives an array of a capture; a disrupted pass that began at a later layer has the baseline's before
/// it.
template <typename Read>
const Array* arrayOf(const ViewData& data, Shown shown, int layer, Read read) {
  const Run* run = runOf(data, shown);
  if (!run) return nullptr;
  const Array* found = read(run->capture);
  if (!found && shown == Shown::Disrupted && layer < run->first_layer && data.comparison->baseline) {
    found = read(data.comparison->baseline->capture);
  }
  return found && !found->empty() ? found : nullptr;
}

/// M over all positions, or without those that are left out. Null where it is not there.
const Array* normOf(const Capture& capture, bool all, int layer, Site site) {
  if (all) return capture.norm(layer, site);
  const auto found = capture.without.find({layer, site});
  return found == capture.without.end() ? nullptr : &*found->second;
}

}  // namespace

Needs allNorms() {
  Needs needs;
  needs.norms = {Site::QueryPreRope, Site::Query, Site::KeyPreRope, Site::Key, Site::Value};
  return needs;
}

QString positionList(const std::vector<int>& positions) {
  if (positions.empty()) return Words::tr("none");
  QString list = QString::fromStdString(to_text({LeftOut::Which::Chosen, positions, {}}));
  constexpr int longest = 24;
  if (list.size() > longest) list = list.left(list.lastIndexOf(u',', longest)) + QStringLiteral(",…");
  return list;
}

LeftOut leftOut(const Look& look) {
  LeftOut asked = look.left_out;
  asked.rule = look.activations;
  return asked;
}

std::vector<int> shownLeftOut(const ViewData& data, const Look& look) {
  if (look.left_out.which == LeftOut::Which::None || !data.comparison || !data.comparison->baseline ||
      data.comparison->request.needs.left_out != leftOut(look))
    return {};
  const std::vector<int>& positions = data.comparison->baseline->capture.left_out;
  // While a disrupted pass is under way its M is over all positions, and so must be what it stands beside.
  const auto& disrupted = data.comparison->disrupted;
  return disrupted && disrupted->capture.left_out != positions ? std::vector<int>() : positions;
}

QString overPositions(const ViewData& data, const Look& look) {
  const int all = shownPositions(data);
  if (look.left_out.which == LeftOut::Which::None) return positionsWords(all);
  const std::vector<int> without = shownLeftOut(data, look);
  if (without.empty()) {
    return look.left_out.which == LeftOut::Which::Massive
               ? Words::tr("%1, none of them massive").arg(positionsWords(all))
               : positionsWords(all);
  }
  return Words::tr("%1 of %2 positions, without %3")
      .arg(all - static_cast<int>(without.size()))
      .arg(all)
      .arg(positionList(without));
}

const Norms* ruleNorms(const ViewData& data, const Look& look) {
  const Capture* capture = shownCapture(data, look.shown);
  if (!capture) return nullptr;
  return shownLeftOut(data, look).empty() ? &capture->norms : &capture->without;
}

const Capture* shownCapture(const ViewData& data, Shown shown) {
  const Run* run = runOf(data, shown);
  return run ? &run->capture : nullptr;
}

namespace {

/// The number of a cell of what is shown, without copying the rest, out of an array (heads, dims) or
/// (positions, heads, dims).
template <typename Read>
std::optional<double> shownNumber(const ViewData& data, const Look& look, const Selection& cell, Read read) {
  const auto number = [&](Shown shown) -> std::optional<double> {
    const Array* found = arrayOf(data, shown, cell.layer, read);
    if (!found || found->shape.size() < 2) return std::nullopt;
    const std::size_t axes = found->shape.size();
    const std::int64_t heads = found->size(axes - 2), dims = found->size(axes - 1);
    if (cell.head >= heads || cell.dim >= dims) return std::nullopt;
    const std::int64_t index = (std::max(0, cell.position) * heads + cell.head) * dims + cell.dim;
    return index < static_cast<std::int64_t>(found->data.size())
               ? std::optional<double>(found->data[static_cast<std::size_t>(index)])
               : std::nullopt;
  };
  if (look.shown != Shown::Difference) return number(look.shown);
  const auto disrupted = number(Shown::Disrupted), baseline = number(Shown::Baseline);
  return disrupted && baseline ? std::optional(*disrupted - *baseline) : std::nullopt;
}

}  // namespace

std::optional<double> shownM(const ViewData& data, const Look& look, const Selection& cell, Site site) {
  const bool all = shownLeftOut(data, look).empty();
  return shownNumber(data, look, cell,
                     [&](const Capture& capture) { return normOf(capture, all, cell.layer, site); });
}

std::optional<double> shownValue(const ViewData& data, const Look& look, const Selection& cell, Site site) {
  return shownNumber(data, look, cell,
                     [&](const Capture& capture) { return capture.value(cell.layer, site); });
}

const Array* runNorm(const ViewData& data, const Look& look, Shown run, int layer, Site site) {
  const bool all = shownLeftOut(data, look).empty();
  return arrayOf(data, run, layer, [&](const Capture& capture) { return normOf(capture, all, layer, site); });
}

std::optional<Array> shownNorm(const ViewData& data, const Look& look, int layer, Site site) {
  const auto norm = [&](Shown run) { return runNorm(data, look, run, layer, site); };
  if (look.shown != Shown::Difference) {
    const Array* found = norm(look.shown);
    return found ? std::optional(*found) : std::nullopt;
  }
  const Array* disrupted = norm(Shown::Disrupted);
  const Array* baseline = norm(Shown::Baseline);
  if (!disrupted || !baseline || disrupted->shape != baseline->shape) return std::nullopt;
  Array difference = *disrupted;
  std::transform(disrupted->data.begin(), disrupted->data.end(), baseline->data.begin(),
                 difference.data.begin(), std::minus<>());
  return difference;
}

const Array* capturedValue(const ViewData& data, Shown run, int layer, Site site) {
  return arrayOf(data, run, layer, [&](const Capture& capture) { return capture.value(layer, site); });
}

const Array* ruleNorm(const ViewData& data, const Look& look, int layer, Site site) {
  return runNorm(data, look, look.shown == Shown::Difference ? Shown::Baseline : look.shown, layer, site);
}

}  // namespace qkscope
