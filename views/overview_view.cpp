#include <QAccessible>
#include <QKeyEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QPixmap>
#include <algorithm>
#include <cmath>

#include "views/overview_painter.h"
#include "views/text.h"
#include "views/view_registry.h"

namespace qkscope {

/// Every head of every layer in one grid: where to look. A click or the arrows select.
class OverviewView : public View {
  Q_OBJECT
 public:
  OverviewView(ViewState& state, QWidget* parent) : View(state, parent) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAccessibleName(tr("Layers and heads, by their strongest value"));
    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
    connect(&state, &ViewState::selectionChanged, this, [this] {
      describe();
      update();
    });
  }

  Needs needs() const override { return allNorms(); }
  bool isFigure() const override { return true; }
  QSize minimumSizeHint() const override { return {130, 200}; }
  QSize sizeHint() const override { return {210, 560}; }

  QString figureTitle() const override {
    return tr("Strongest M / mean of every head, %1").arg(shownWords(state().look().shown));
  }
  QString whyNoFigure() const override { return whyNothing(data(), state().look()); }
  std::vector<FigureArray> figureArrays() const override {
    if (!whyNothing(data(), state().look()).isEmpty()) return {};
    const Overview overview = overviewOf(data(), state().look(), false);
    std::vector<FigureArray> arrays;
    for (std::size_t s = 0; s < all_sites.size(); ++s) {
      const Heatmap& map = overview.maps[s];
      const auto name = site_name(shownSite(all_sites[s], state().look().after_rope));
      arrays.push_back({text(name) + QStringLiteral("_max_ratio"),
                        {QStringLiteral("layer"), QStringLiteral("head")},
                        {{map.rows(), map.columns()}, map.values()}});
    }
    return arrays;
  }
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    const QString message = whyNothing(data(), state().look());
    if (!message.isEmpty()) {
      painter.fillRect(area, style.background);
      return paintMessage(painter, style, area, message);
    }
    const Overview overview = overviewOf(data(), state().look(), false);
    paintOverview(painter, style, area, overview, layoutOverview(overview, style, area, 0), state().look());
  }

 protected:
  void refresh() override {
    message_ = whyNothing(data(), state().look());
    overview_ =
        message_.isEmpty() ? overviewOf(data(), state().look(), PlotStyle::of(*this).dark) : Overview{};
    scene_ = {};
    describe();
    update();
  }

  void paintEvent(QPaintEvent*) override {
    const PlotStyle style = PlotStyle::of(*this);
    QPainter painter(this);
    painter.fillRect(rect(), style.background);
    if (!message_.isEmpty()) return paintMessage(painter, style, rect(), message_);
    const double ratio = devicePixelRatioF();
    layout_ = layoutOverview(overview_, style, rect(), ratio);
    if (scene_.isNull() || scene_.size() != (QSizeF(size()) * ratio).toSize()) {
      scene_ = QPixmap((QSizeF(size()) * ratio).toSize());
      scene_.setDevicePixelRatio(ratio);
      QPainter scene(&scene_);
      paintOverview(scene, style, rect(), overview_, layout_, state().look());
    }
    painter.setOpacity(data().stale ? 0.45 : 1);
    painter.drawPixmap(0, 0, scene_);
    painter.setOpacity(1);
    paintSelection(painter, style);
  }

  void resizeEvent(QResizeEvent*) override { scene_ = {}; }
  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) scheduleRefresh();
  }

  void contextMenuEvent(QContextMenuEvent* event) override {
    const auto cell = event->reason() == QContextMenuEvent::Mouse ? at(event->pos()) : state().selection();
    if (cell) Q_EMIT menuRequested(*cell, event->globalPos());
  }
  void mousePressEvent(QMouseEvent* event) override {
    if (event->button() != Qt::LeftButton) return;
    if (const auto cell = at(event->position())) state().setSelection(*cell);
  }
  void mouseMoveEvent(QMouseEvent* event) override {
    const auto cell = at(event->position());
    state().setHover(cell ? wordsOf(*cell) : QString());
    setToolTip(cell ? wordsOf(*cell) : QString());
    if (cell && (event->buttons() & Qt::LeftButton)) state().setSelection(*cell);
  }
  void leaveEvent(QEvent*) override { state().setHover({}); }

  void keyPressEvent(QKeyEvent* event) override {
    switch (event->key()) {
      case Qt::Key_Left:
        walk(0, -1);
        break;
      case Qt::Key_Right:
        walk(0, 1);
        break;
      case Qt::Key_Up:
      case Qt::Key_PageUp:
        walk(-1, 0);
        break;
      case Qt::Key_Down:
      case Qt::Key_PageDown:
        walk(1, 0);
        break;
      case Qt::Key_Home:
        walk(-overview_.layers, 0);
        break;
      case Qt::Key_End:
        walk(overview_.layers, 0);
        break;
      default:
        View::keyPressEvent(event);
        return;
    }
    event->accept();
  }

 private:
  static std::size_t indexOf(Site site) {
    return static_cast<std::size_t>(std::find(all_sites.begin(), all_sites.end(), site) - all_sites.begin());
  }

  std::optional<Selection> at(const QPointF& point) const {
    for (std::size_t s = 0; s < all_sites.size() && message_.isEmpty(); ++s) {
      if (const auto cell = layout_.grids[s].cellAt(point)) {
        Selection selection = state().selection();
        selection.site = all_sites[s];
        selection.layer = cell->y();
        selection.head = cell->x();
        return selection;
      }
    }
    return std::nullopt;
  }

  void walk(int layers, int heads) {
    if (!message_.isEmpty()) return;
    Selection selection = clamped(state().selection(), *data().spec(), shownPositions(data()));
    selection.layer = std::clamp(selection.layer + layers, 0, std::max(0, overview_.layers - 1));
    auto site = indexOf(selection.site);
    selection.head += heads;
    // Past the last query head come the KV heads of K, then of V.
    if (selection.head < 0 && site > 0) {
      selection.site = all_sites[--site];
      selection.head = overview_.maps[site].columns() - 1;
    } else if (selection.head >= overview_.maps[site].columns() && site + 1 < all_sites.size()) {
      selection.site = all_sites[++site];
      selection.head = 0;
    }
    selection.head = std::clamp(selection.head, 0, std::max(0, overview_.maps[site].columns() - 1));
    state().setSelection(selection);
    state().setHover(wordsOf(selection));
  }

  QString wordsOf(const Selection& asked) const {
    const Selection selection = clamped(asked, *data().spec(), shownPositions(data()));
    Selection head = selection;
    head.dim = head.position = -1;
    QString words;
    const Heatmap& map = overview_.maps[indexOf(selection.site)];
    if (selection.layer < map.rows() && selection.head < map.columns()) {
      const double ratio = map.at(selection.layer, selection.head);
      const QString none = whyNoHeads(*data().spec(), selection.layer, selection.site);
      if (!none.isEmpty()) return none;
      words = std::isnan(ratio)
                  ? absentWords(data()) + QStringLiteral(" · ")
                  : QStringLiteral("%1 %2 · ").arg(overview_.bar.label, QLocale().toString(ratio, 'f', 1));
    }
    return words + cellWords(data(), state().look(), head);
  }

  void describe() {
    if (!message_.isEmpty() || !data().spec()) return setAccessibleDescription(message_);
    setAccessibleDescription(wordsOf(state().selection()));
    if (hasFocus()) {
      QAccessibleEvent event(this, QAccessible::DescriptionChanged);
      QAccessible::updateAccessibility(&event);
    }
  }

  void paintSelection(QPainter& painter, const PlotStyle& style) const {
    const Selection selection = clamped(state().selection(), *data().spec(), shownPositions(data()));
    const double u = style.unit;
    if (selection.layer >= overview_.layers) return;
    const CellGrid &first = layout_.grids.front(), &last = layout_.grids.back();
    const QRectF layer(QPointF(first.target.left() - 2 * u, first.y(selection.layer) - u),
                       QPointF(last.target.right() + 2 * u, first.y(selection.layer + 1) + u));
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(style.background, 3 * u));
    painter.drawRect(layer);
    painter.setPen(QPen(style.accent, 1.6 * u));
    painter.drawRect(layer);
    const CellGrid& grid = layout_.grids[indexOf(selection.site)];
    if (selection.head < overview_.maps[indexOf(selection.site)].columns()) {
      const QRectF head = grid.cell(selection.layer, selection.head);
      painter.setPen(QPen(Qt::white, 3 * u));
      painter.drawRect(head);
      painter.setPen(QPen(style.accent.darker(style.dark ? 180 : 100), 1.6 * u));
      painter.drawRect(head);
    }
    if (hasFocus()) {
      painter.setPen(QPen(style.accent, 1));
      painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
  }

  Overview overview_;
  OverviewLayout layout_;
  QString message_;
  QPixmap scene_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("overview"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Layers × heads")), Place::Left, 0,
     QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new OverviewView(state, parent); }});

}  // namespace

}  // namespace qkscope

#include "overview_view.moc"
