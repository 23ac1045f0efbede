// The attention of every layer at once, meaned over its heads, as the papers' grids draw it.
#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "core/analysis/attention_split.h"
#include "views/color_bar.h"
#include "views/heatmap.h"
#include "views/patterns.h"
#include "views/residual.h"
#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

/// One layer's map.
struct GridCell {
  int layer = 0;
  double mass = 0;  // of the marked positions
  Heatmap map;
};

/// The grid as numbers and words, before there is any geometry.
struct AttentionGrid {
  QString title;
  QStringList facts;
  std::vector<GridCell> cells;
  std::vector<int> marked;  // positions of massive activations
  MapColorBar bar{};
};

/// Where it lies, in the painter's units.
struct GridLayout {
  QRectF title, bar, bar_label;
  std::vector<QRectF> names, maps;
};

GridLayout layoutGrid(const AttentionGrid& grid, const PlotStyle& style, const QRectF& area) {
  const double u = style.unit;
  const TextMetrics small = style.metrics(style.small), title = style.metrics(style.title);
  const QRectF inside = area.adjusted(10 * u, 6 * u, -10 * u, -6 * u);
  GridLayout layout;
  layout.title = QRectF(inside.left(), inside.top(), inside.width(), title.height());
  const double turned = small.height() + 4 * u,
               numbers = small.horizontalAdvance(QStringLiteral("0.00")) + 9 * u;
  layout.bar_label = QRectF(inside.right() - turned, layout.title.bottom() + 6 * u, turned,
                            inside.bottom() - layout.title.bottom() - 6 * u);
  layout.bar = QRectF(layout.bar_label.left() - numbers - 11 * u, layout.bar_label.top(), 11 * u,
                      layout.bar_label.height());
  const QRectF place(inside.left(), layout.bar.top(), layout.bar.left() - inside.left() - 10 * u,
                     layout.bar.height());
  // As many columns as make the maps largest.
  const int count = static_cast<int>(grid.cells.size());
  const double name = small.height() + 1 * u, gap = 5 * u;
  int columns = 1;
  double side = 0;
  for (int tried = 1; tried <= count; ++tried) {
    const int rows = (count + tried - 1) / tried;
    const double fits = std::min(place.width() / tried - gap, place.height() / rows - gap - name);
    if (fits > side) {
      side = fits;
      columns = tried;
    }
  }
  const double width = place.width() / columns;
  for (int i = 0; i < count; ++i) {
    const double left = place.left() + width * (i % columns),
                 top = place.top() + (side + gap + name) * (i / columns);
    layout.names.emplace_back(left, top, width - gap, name);
    layout.maps.emplace_back(left, top + name, std::max(1.0, side), std::max(1.0, side));
  }
  return layout;
}

/// Ticks at the edges of a map where the marked positions stand, as keys above it and as queries beside it.
void paintMarkedPositions(QPainter& painter, const PlotStyle& style, const CellGrid& grid,
                          const std::vector<int>& marked) {
  const double u = style.unit, length = 3 * u;
  painter.save();
  painter.setPen(Qt::NoPen);
  painter.setBrush(style.disrupted);
  for (const int position : marked) {
    const double width = std::max(1.5 * u, grid.x(position + 1) - grid.x(position)),
                 height = std::max(1.5 * u, grid.y(position + 1) - grid.y(position));
    painter.drawRect(QRectF(grid.x(position), grid.target.top() - length, width, length));
    painter.drawRect(QRectF(grid.target.left() - length, grid.y(position), length, height));
  }
  painter.restore();
}

void paintGrid(QPainter& painter, const PlotStyle& style, const AttentionGrid& grid, const GridLayout& layout,
               double pixels_per_unit) {
  const TextMetrics title = style.metrics(style.title), small = style.metrics(style.small);
  painter.setFont(style.title);
  painter.setPen(style.text);
  painter.drawText(layout.title, Qt::AlignLeft | Qt::AlignVCenter, grid.title);
  const double after = title.horizontalAdvance(grid.title) + 12 * style.unit;
  painter.setFont(style.small);
  painter.setPen(style.muted);
  const QRectF facts = layout.title.adjusted(after, 0, 0, 0);
  painter.drawText(
      facts, Qt::AlignLeft | Qt::AlignVCenter,
      small.elidedText(grid.facts.join(QStringLiteral(" · ")), Qt::ElideRight, std::max(0.0, facts.width())));
  for (std::size_t i = 0; i < grid.cells.size(); ++i) {
    const GridCell& cell = grid.cells[i];
    const CellGrid place{layout.maps[i], QRectF(0, 0, cell.map.columns(), cell.map.rows()), pixels_per_unit};
    cell.map.paint(painter, place);
    paintMarkedPositions(painter, style, place, grid.marked);
    QString name = QString::number(cell.layer + 1);
    if (!grid.marked.empty() && std::isfinite(cell.mass))
      name += QStringLiteral(" · ") + percentWords(cell.mass);
    painter.setFont(style.small);
    painter.setPen(style.text);
    painter.drawText(layout.names[i], Qt::AlignLeft | Qt::AlignVCenter, name);
  }
  paintColorBar(painter, style, layout.bar, layout.bar_label, grid.bar);
}

}  // namespace

class AttentionGridView : public View {
  Q_OBJECT
 public:
  AttentionGridView(ViewState& state, QWidget* parent) : View(state, parent) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAccessibleName(tr("Attention of every layer, meaned over its heads"));
    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
    connect(&state, &ViewState::selectionChanged, this, [this] {
      describe();
      update();
    });
  }

  Needs needs() const override {
    Needs needs = massiveNeeds(state().look());
    needs.patterns = meanPatterns(data());
    return needs;
  }
  bool isFigure() const override { return true; }
  QSize sizeHint() const override { return {900, 260}; }
  QSize minimumSizeHint() const override { return {300, 130}; }
  QString figureTitle() const override {
    return tr("Attention of every layer, meaned over heads, %1").arg(shownWords(state().look().shown));
  }
  QString whyNoFigure() const override {
    const Look& look = state().look();
    if (data().dump) return tr("Files of Q, K and V hold no attention pattern: open a model to see it");
    if (const QString nothing = whyNothing(data(), look); !nothing.isEmpty()) return nothing;
    if (shownPositions(data()) > longest_grid)
      return tr("The attention of all layers is drawn of prompts of up to %1 tokens; this one has %2.")
          .arg(longest_grid)
          .arg(shownPositions(data()));
    const auto heads = meanPatterns(data());
    if (heads.empty()) return tr("No layer of this model has attention.");
    const bool any =
        std::ranges::any_of(heads, [&](const HeadId& head) { return hasPattern(data(), lookHere(), head); });
    return any ? QString() : tr("No pattern has been computed yet.");
  }
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    painter.fillRect(area, style.background);
    if (const QString message = whyNoFigure(); !message.isEmpty())
      return paintMessage(painter, style, area, message);
    const AttentionGrid grid = gridOf(style);
    paintGrid(painter, style, grid, layoutGrid(grid, style, area), 0);
  }
  std::vector<FigureArray> figureArrays() const override {
    if (!whyNoFigure().isEmpty()) return {};
    const AttentionGrid grid = gridOf(PlotStyle::of(*this));
    const auto count = static_cast<std::int64_t>(grid.cells.size());
    const std::int64_t positions = grid.cells.front().map.rows();
    FigureArray patterns{QStringLiteral("attention_mean"),
                         {QStringLiteral("layer"), QStringLiteral("query"), QStringLiteral("key")},
                         {{count, positions, positions}, {}}};
    FigureArray layers{QStringLiteral("layer"), {QStringLiteral("layer")}, {{count}, {}}},
        mass{QStringLiteral("mass"), {QStringLiteral("layer")}, {{count}, {}}};
    for (const GridCell& cell : grid.cells) {
      const std::vector<float> values = cell.map.values();
      patterns.array.data.insert(patterns.array.data.end(), values.begin(), values.end());
      layers.array.data.push_back(static_cast<float>(cell.layer));
      mass.array.data.push_back(static_cast<float>(cell.mass));
    }
    return {std::move(patterns), std::move(layers), std::move(mass)};
  }
  std::optional<ColorLimits> colorLimits() const override {
    if (grid_.cells.empty()) return std::nullopt;
    return ColorLimits{grid_.bar.norm.low, grid_.bar.norm.high};
  }

 protected:
  void refresh() override {
    message_ = whyNoFigure();
    grid_ = message_.isEmpty() ? gridOf(PlotStyle::of(*this)) : AttentionGrid{};
    describe();
    update();
    tellNeeds();
  }
  void paintEvent(QPaintEvent*) override {
    const PlotStyle style = PlotStyle::of(*this);
    QPainter painter(this);
    painter.fillRect(rect(), style.background);
    if (!message_.isEmpty()) return paintMessage(painter, style, rect(), message_);
    layout_ = layoutGrid(grid_, style, rect());
    painter.setOpacity(data().stale ? 0.45 : 1);
    paintGrid(painter, style, grid_, layout_, devicePixelRatioF());
    painter.setOpacity(1);
    painter.setPen(QPen(style.accent, 2 * style.unit));
    painter.setBrush(Qt::NoBrush);
    for (std::size_t i = 0; i < grid_.cells.size(); ++i) {
      if (grid_.cells[i].layer == state().selection().layer)
        painter.drawRect(layout_.maps[i].adjusted(-1, -1, 1, 1));
    }
  }
  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
        event->type() == QEvent::EnabledChange)
      scheduleRefresh();
  }
  void mousePressEvent(QMouseEvent* event) override {
    const auto at = selectionAt(event->position());
    if (event->button() == Qt::LeftButton && at) state().setSelection(*at);
  }
  void mouseReleaseEvent(QMouseEvent* event) override {
    if (event->button() == Qt::LeftButton && selectionAt(event->position()))
      Q_EMIT panelRequested(QStringLiteral("attention"));
  }
  void mouseMoveEvent(QMouseEvent* event) override {
    const auto at = selectionAt(event->position());
    state().setHover(at ? wordsAt(*at) : QString(), at ? at->key : -1);
    setToolTip(at ? toolTipText(wordsAt(*at)) : QString());
  }
  void leaveEvent(QEvent*) override { state().setHover({}); }
  void keyPressEvent(QKeyEvent* event) override {
    const int steps = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
    if (event->key() == Qt::Key_Return) return Q_EMIT panelRequested(QStringLiteral("attention"));
    if (steps == 0 || grid_.cells.empty()) return View::keyPressEvent(event);
    Selection selection = state().selection();
    selection.layer += steps;
    state().setSelection(clamped(selection, *data().spec(), shownPositions(data())));
  }

 private:
  /// Of all layers attention is drawn as it is: lengths of values differ from layer to layer.
  Look lookHere() const {
    Look look = state().look();
    look.times_value = false;
    return look;
  }
  AttentionGrid gridOf(const PlotStyle& style) const {
    const Look look = lookHere();
    const bool difference = look.shown == Shown::Difference;
    AttentionGrid grid;
    grid.marked = massivePositions(data(), look);
    std::vector<std::pair<int, std::vector<float>>> patterns;
    for (const HeadId& head : meanPatterns(data())) {
      if (auto drawn = drawnPattern(data(), look, head)) {
        const double mass = mass_on(*drawn, grid.marked);
        patterns.emplace_back(head.layer, std::move(drawn->data));
        grid.cells.push_back({head.layer, mass, {}});
      }
    }
    Look scale = look;
    scale.range = ColorRange::Full;
    ColorMap map = difference ? divergingMap(look.color_map) : recedingMap(!style.dark);
    map.nan = style.background.rgb();
    std::vector<RangedValues> values;
    for (const auto& [layer, numbers] : patterns) values.emplace_back(&numbers);
    const ColorNorm norm = fitNorm(values, scale, difference);
    const int positions = shownPositions(data());
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      grid.cells[i].map = Heatmap(positions, positions, std::move(patterns[i].second));
      grid.cells[i].map.setColors(map, norm);
    }
    grid.bar = {difference ? tr("Δ attention") : tr("attention after softmax"), map, norm, {}};
    grid.title = tr("Attention of all layers");
    grid.facts << tr("mean over heads, queries by keys") << shownWords(look.shown);
    grid.facts << (grid.marked.empty()
                       ? tr("no position has a massive activation")
                       : tr("red: massive, position %1; %: attention to it").arg(positionList(grid.marked)));
    return grid;
  }
  /// Layer, query and key under the pointer; nothing between the maps and where a query sees nothing.
  std::optional<Selection> selectionAt(const QPointF& point) const {
    if (!message_.isEmpty()) return std::nullopt;
    for (std::size_t i = 0; i < layout_.maps.size() && i < grid_.cells.size(); ++i) {
      const GridCell& cell = grid_.cells[i];
      const CellGrid place{layout_.maps[i], QRectF(0, 0, cell.map.columns(), cell.map.rows()),
                           devicePixelRatioF()};
      const auto at = place.cellAt(point);
      if (!at) continue;
      Selection selection = state().selection();
      selection.layer = cell.layer;
      if (at->x() <= at->y()) {
        selection.position = at->y();
        selection.key = at->x();
      }
      return clamped(selection, *data().spec(), shownPositions(data()));
    }
    return std::nullopt;
  }
  QString wordsAt(const Selection& at) const {
    const auto cell = std::ranges::find(grid_.cells, at.layer, &GridCell::layer);
    if (cell == grid_.cells.end() || at.key < 0 || at.position < at.key) return layerWords(data(), at.layer);
    const double part = static_cast<double>(cell->map.at(at.position, at.key));
    return tr("%1: %2 of the attention of position %3 %4 goes to position %5 %6, mean over the heads")
        .arg(layerWords(data(), at.layer),
             state().look().shown == Shown::Difference ? numberWords(part) : percentWords(part),
             QString::number(at.position), visibleToken(data().pieces.value(at.position)),
             QString::number(at.key), visibleToken(data().pieces.value(at.key)));
  }
  void describe() { setAccessibleDescription(message_.isEmpty() ? wordsAt(state().selection()) : message_); }

  AttentionGrid grid_;
  GridLayout layout_;
  QString message_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("grid"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Attention of all layers")),
     Place::Bottom, 10, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new AttentionGridView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "attention_grid_view.moc"
