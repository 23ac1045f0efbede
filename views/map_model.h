#pragma once
#include <QPoint>
#include <QRectF>
#include <QStringList>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "views/color_bar.h"
#include "views/shown.h"

namespace qkscope {

/// What the rows of a picture's maps are; their columns are always the dims of a head.
enum class MapRows { Heads, Positions, LayersHeads };

/// Where the numbers of a map of single values are from: the same numbers where this is the same.
struct MapSource {
  std::shared_ptr<const Comparison> comparison;
  Shown shown = Shown::Baseline;
  Site captured = Site::Query;
  int layer = 0, head = 0;
  bool is_signed = false;
  bool operator==(const MapSource&) const = default;
};

/// One map of a picture.
struct MapPanel {
  Site site = Site::Query;
  int heads = 0;
  int layer = 0, head = 0;  // of every row, where the rows do not say
  Heatmap map{};
  std::optional<MapSource> source{};
  std::vector<QPoint> massive{};       // (column, row) of the outlined cells
  std::vector<int> massive_columns{};  // dims whose M is massive, where the cells are single values
  std::size_t bar = 0;                 // its colour bar
  std::vector<bool> rows_missing{};    // rows that have not come yet; empty: none
  QString missing{};                   // said in place of a map that has not come yet
};

struct CellRef {
  std::size_t panel = 0;
  int row = 0, column = 0;
  bool operator==(const CellRef&) const = default;
};

/// A picture as numbers and words, before there is any geometry: maps that share one dim axis, their colour
/// bars, and a header that explains them.
struct MapModel {
  QString title;
  QStringList facts;  // formula, positions, RoPE state, scale, colour map, rule
  QString message;    // why there is no picture; then the rest is empty
  MapRows rows = MapRows::Heads;
  bool side_by_side = false;
  QStringList row_names;  // Positions: the tokens; LayersHeads: the layers
  std::vector<MapPanel> panels;
  std::vector<MapColorBar> bars;
  FrequencyAxis axis;
  QString no_ruler{};  // said in place of the ruler where nothing rotates
  int head_dim = 0;
  int positions = 0;
  int num_layers = 0;

  Selection at(const CellRef& cell) const;
  /// The row of `selection` and its dim (0 where none is selected); nothing where it is not in this picture.
  std::optional<CellRef> find(const Selection& selection) const;
};

/// The picture that `look` asks for. Maps of the same numbers are taken from what is `shown`: a step of a
/// slider copies none of a long prompt's.
MapModel mapModel(const ViewData& data, const Selection& selection, const Look& look,
                  const MapModel* shown = nullptr);
/// What runs must capture for it. The values of all layers, so that looking at another layer runs nothing,
/// where those of both passes over the prompt fit into `value_budget`; else those of the selected layer.
inline constexpr std::int64_t value_budget = std::int64_t{256} << 20;  // bytes
Needs mapNeeds(const ViewData& data, const Selection& selection, const Look& look);
/// Its numbers, in full precision.
std::vector<FigureArray> mapArrays(const ViewData& data, const Selection& selection, const Look& look);

// The three pictures.
MapModel headsDimsModel(const ViewData& data, const Selection& selection, const Look& look);
MapModel positionsDimsModel(const ViewData& data, const Selection& selection, const Look& look,
                            const MapModel* shown = nullptr);
MapModel layersModel(const ViewData& data, const Selection& selection, const Look& look);

/// The head of `site` that stands beside the selected one: a KV head beside the query heads that it serves,
/// the first of those beside a KV head.
int headBeside(const Selection& selection, Site site, const ModelSpec& spec);
/// The numbers (positions, head_dim) of one head, signs kept; nothing where they have not come yet.
std::optional<NumberRows> headValues(const ViewData& data, const Look& look, int layer, int head, Site site);

// What they share.
/// Of one layer, or of all.
MapModel emptyMapModel(const ViewData& data, std::optional<int> layer = {});
/// Cells of `m` (heads, head_dim) that are massive, as (column, row), rows moved down by `first_row`.
std::vector<QPoint> massiveCells(const Array& m, double lambda, int first_row = 0);
/// Gives every panel its colours by `look`, shared or its own, and fills the bars. `is_signed`: zero in the
/// middle. `label` makes the words of a bar from the letters of its sites.
void colorPanels(MapModel& model, const Look& look, bool is_signed,
                 const std::function<QString(QString)>& label);
/// "linear 0 – 155", "one scale for Q, K, V", "viridis".
QStringList colorFacts(const MapModel& model, const Look& look);
/// "after RoPE", "disrupted: λ=5 on Q, all layers": what run the numbers are of, and where in it. A
/// disruption acts after RoPE, which is said where what is before it is shown.
QStringList runFacts(const ViewData& data, const Look& look, Site site, std::optional<int> layer = {});
/// "M > 5.0 × mean of its head": what is called massive.
QString ruleFact(const Look& look);

/// The limits that a picture is drawn with; nothing where it has no colours yet.
std::optional<ColorLimits> shownLimits(const MapModel& picture);

}  // namespace qkscope
