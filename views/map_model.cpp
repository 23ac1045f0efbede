#include "views/map_model.h"

#include <QLocale>
#include <algorithm>

#include "views/disruption_words.h"
#include "views/text.h"

namespace qkscope {

namespace {

QString scaleWords(ColorScale scale) {
  switch (scale) {
    case ColorScale::Linear:
      return Words::tr("linear");
    case ColorScale::Log:
      return Words::tr("log");
    case ColorScale::SymLog:
      break;
  }
  return Words::tr("symlog");
}

}  // namespace

Selection MapModel::at(const CellRef& cell) const {
  const MapPanel& panel = panels[cell.panel];
  Selection selection{panel.site, panel.layer, panel.head, cell.column, -1};
  switch (rows) {
    case MapRows::Heads:
      selection.head = cell.row;
      break;
    case MapRows::Positions:
      selection.position = cell.row;
      break;
    case MapRows::LayersHeads:
      selection.layer = cell.row / panel.heads;
      selection.head = cell.row % panel.heads;
      break;
  }
  return selection;
}

std::optional<CellRef> MapModel::find(const Selection& selection) const {
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const MapPanel& panel = panels[i];
    if (panel.site != selection.site) continue;
    int row = selection.head;
    if (rows == MapRows::Positions) row = std::max(0, selection.position);
    if (rows == MapRows::LayersHeads) row = selection.layer * panel.heads + selection.head;
    if (row < 0 || row >= panel.map.rows()) return std::nullopt;
    return CellRef{i, row, std::clamp(selection.dim, 0, panel.map.columns() - 1)};
  }
  return std::nullopt;
}

MapModel mapModel(const ViewData& data, const Selection& selection, const Look& look, const MapModel* shown) {
  MapModel model;
  model.message = whyNothing(data, look);
  if (!model.message.isEmpty()) return model;
  const Selection inside = clamped(selection, *data.spec(), shownPositions(data));
  switch (look.picture) {
    case Picture::HeadsDims:
      return headsDimsModel(data, inside, look);
    case Picture::PositionsDims:
      return positionsDimsModel(data, inside, look, shown);
    case Picture::AllLayers:
      break;
  }
  return layersModel(data, inside, look);
}

Needs mapNeeds(const ViewData& data, const Selection& selection, const Look& look) {
  Needs needs = allNorms();
  if (look.picture == Picture::PositionsDims && data.spec()) {
    const ModelSpec& spec = *data.spec();
    std::int64_t numbers = 0;  // of one position in one pass
    for (const Site site : needs.norms)
      numbers += std::int64_t{spec.num_layers()} * siteHeads(spec, site) * spec.head_dim();
    constexpr std::int64_t passes = 2;
    const bool all = data.prompt_tokens > 0 &&
                     numbers * data.prompt_tokens * passes * std::int64_t{sizeof(float)} <= value_budget;
    needs.values = needs.norms;
    if (!all) needs.value_layers = {clamped(selection, spec, 0).layer};
  }
  return needs;
}

MapModel emptyMapModel(const ViewData& data, std::optional<int> layer) {
  const ModelSpec& spec = *data.spec();
  MapModel model;
  model.axis = shownAxis(data, layer);
  model.no_ruler = whyNoRuler(spec, layer);
  if (data.dump && !spec.rope())
    model.no_ruler = Words::tr("no RoPE is known of these activations: Ctrl+I sets its theta");
  const AttentionSpec* attention = layer && *layer < spec.num_layers() ? spec.attention(*layer) : nullptr;
  model.head_dim = attention ? std::max(attention->head_dim, attention->value_dim) : spec.head_dim();
  model.positions = shownPositions(data);
  model.num_layers = spec.num_layers();
  return model;
}

std::vector<QPoint> massiveCells(const Array& m, double lambda, int first_row) {
  std::vector<QPoint> cells;
  const auto flags = select(m, Pick{.kind = PickKind::Lambda, .lambda = lambda});
  const auto columns = static_cast<std::size_t>(m.size(1));
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i])
      cells.emplace_back(static_cast<int>(i % columns), first_row + static_cast<int>(i / columns));
  }
  return cells;
}

void colorPanels(MapModel& model, const Look& look, bool is_signed,
                 const std::function<QString(QString)>& label) {
  const ColorMap& map = is_signed ? divergingMap(look.color_map) : colorMap(look.color_map);
  // Which panels share a scale.
  std::vector<std::vector<MapPanel*>> groups;
  for (MapPanel& panel : model.panels) {
    if (panel.map.empty()) continue;
    if (groups.empty() || !look.one_scale) groups.emplace_back();
    groups.back().push_back(&panel);
    panel.bar = groups.size() - 1;
  }
  for (const auto& group : groups) {
    std::vector<RangedValues> values;
    QStringList letters;
    for (const MapPanel* panel : group) {
      values.emplace_back(panel->map.numbers(), panel->map.range());
      letters << siteLetter(panel->site);
    }
    MapColorBar bar{label(letters.join(QStringLiteral(", "))), map, fitNorm(values, look, map.diverging), {}};
    const bool negative =
        std::ranges::any_of(values, [](const RangedValues& part) { return part.range.least < 0; });
    if (map.diverging && !negative) bar.from = 0;
    for (MapPanel* panel : group) {
      panel->map.setColors(map, bar.norm);
      const Heatmap::Counts& counts = panel->map.counts();
      bar.counts.nan += counts.nan;
      bar.counts.infinite += counts.infinite;
      bar.counts.under += counts.under;
      bar.counts.over += counts.over;
    }
    model.bars.push_back(std::move(bar));
  }
}

QStringList colorFacts(const MapModel& model, const Look& look) {
  QStringList facts;
  if (model.panels.size() > 1) {
    facts << (look.one_scale ? Words::tr("one scale for Q, K, V") : Words::tr("each its own scale"));
  }
  if (model.bars.empty()) return facts;
  const ColorNorm& norm = model.bars.front().norm;
  QString scale = scaleWords(norm.scale);
  if (model.bars.size() == 1) {
    scale += QStringLiteral(" %1 – %2").arg(numberWords(model.bars.front().from), numberWords(norm.high));
    if (norm.scale == ColorScale::SymLog)
      scale += Words::tr(" (linear below %1)").arg(numberWords(norm.linear_below));
  }
  if (look.range == ColorRange::Percentile) {
    scale += Words::tr(", percentiles %1 – %2")
                 .arg(QLocale().toString(100 - look.percentile), QLocale().toString(look.percentile));
  }
  facts << scale << model.bars.front().map.name;
  return facts;
}

QStringList runFacts(const ViewData& data, const Look& look, Site site, std::optional<int> layer) {
  QString rope = ropeWords(data, site, look.after_rope, layer), run = shownWords(look.shown);
  if (look.shown == Shown::Baseline) return {rope, run};
  if (!look.after_rope && data.spec()->rope() && site != Site::Value)
    rope += Words::tr(" (the disruption acts after it)");
  QStringList disruptions;
  for (const Edit& edit : data.comparison->request.edits)
    disruptions << shortWords(edit).replace(QStringLiteral(" · "), QStringLiteral(", "));
  if (!disruptions.isEmpty()) run += QStringLiteral(": ") + disruptions.join(QStringLiteral("; "));
  return {rope, run};
}

QString ruleFact(const Look& look) {
  const QString lambda = exactWords(look.lambda);
  return look.shown == Shown::Difference ? Words::tr("M > %1 × mean of its head in the baseline").arg(lambda)
                                         : Words::tr("M > %1 × mean of its head").arg(lambda);
}

std::vector<FigureArray> mapArrays(const ViewData& data, const Selection& selection, const Look& look) {
  if (!whyNothing(data, look).isEmpty()) return {};
  const MapModel model = mapModel(data, selection, look);
  std::vector<FigureArray> arrays;
  for (const MapPanel& panel : model.panels) {
    if (panel.map.empty()) continue;
    const auto name = site_name(shownSite(panel.site, look.after_rope));
    FigureArray array{text(name), {}, {}};
    const std::int64_t rows = panel.map.rows(), columns = panel.map.columns();
    switch (model.rows) {
      case MapRows::Heads:
        array.axes = {QStringLiteral("head"), QStringLiteral("dim")};
        array.array.shape = {rows, columns};
        break;
      case MapRows::Positions:
        array.axes = {QStringLiteral("position"), QStringLiteral("dim")};
        array.array.shape = {rows, columns};
        break;
      case MapRows::LayersHeads:
        array.axes = {QStringLiteral("layer"), QStringLiteral("head"), QStringLiteral("dim")};
        array.array.shape = {rows / panel.heads, panel.heads, columns};
        break;
    }
    array.array.data = panel.map.values();
    // The picture may show magnitudes; the file keeps the signs.
    if (model.rows == MapRows::Positions) {
      array.array.data = headValues(data, look, panel.layer, panel.head, panel.site)->copy();
    }
    arrays.push_back(std::move(array));
  }
  if (data.dump && !data.spec()->rope()) return arrays;  // no wavelength is known
  FigureArray wavelength{QStringLiteral("wavelength"), {QStringLiteral("dim")}, {{model.head_dim}, {}}};
  for (int dim = 0; dim < model.head_dim; ++dim) {
    const auto rotary = model.axis.at(dim);
    // A dim that does not turn has no wavelength: 0, which no turning one can have.
    const bool turns = rotary && rotary->inv_freq > 0;
    wavelength.array.data.push_back(turns ? static_cast<float>(rotary->wavelength) : 0.0f);
  }
  arrays.push_back(std::move(wavelength));
  return arrays;
}

std::optional<ColorLimits> shownLimits(const MapModel& picture) {
  if (picture.bars.empty()) return std::nullopt;
  ColorLimits limits{picture.bars.front().norm.low, picture.bars.front().norm.high};
  for (const MapColorBar& bar : picture.bars) {
    limits.low = std::min(limits.low, bar.norm.low);
    limits.high = std::max(limits.high, bar.norm.high);
  }
  return limits;
}

}  // namespace qkscope
