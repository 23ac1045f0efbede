#include <QAccessible>
#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPixmap>
#include <QStyleHints>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "views/residual_painter.h"
#include "views/view_registry.h"

namespace qkscope {

/// The residual stream over layers x positions: where its massive activations stand. A click or the arrows
/// select layer and position; the wheel zooms into the positions, dragging moves them, a double click shows
/// all.
class ResidualView : public View {
  Q_OBJECT
 public:
  ResidualView(ViewState& state, QWidget* parent) : View(state, parent) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAccessibleName(tr("Residual stream, layers by positions"));
    connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
    connect(&state, &ViewState::selectionChanged, this, [this] {
      describe();
      update();
    });
    connect(&state, &ViewState::hoverPositionChanged, this, [this] { update(); });
  }

  Needs needs() const override { return residualNeeds(state().look()); }
  QSize minimumSizeHint() const override { return {300, 130}; }
  QSize sizeHint() const override { return {900, 260}; }

  bool isFigure() const override { return true; }
  QString figureTitle() const override {
    return tr("Residual stream, largest |h| by layer and position, %1").arg(shownWords(state().look().shown));
  }
  QString whyNoFigure() const override { return whyNoResidual(data(), state().look()); }
  FigureZoom figureZoom() const override { return zoom_; }
  void setFigureZoom(const FigureZoom& zoom) override { setZoom(zoom); }
  std::optional<ColorLimits> colorLimits() const override {
    if (residual_.map.empty()) return std::nullopt;
    return ColorLimits{residual_.bar.norm.low, residual_.bar.norm.high};
  }
  std::vector<FigureArray> figureArrays() const override {
    if (!whyNoFigure().isEmpty()) return {};
    const ResidualMap residual = residualMap(data(), state().look(), true);
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
  void paintFigure(QPainter& painter, const QRectF& area) const override {
    const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
    if (const QString message = whyNoFigure(); !message.isEmpty()) {
      painter.fillRect(area, style.background);
      return paintMessage(painter, style, area, message);
    }
    const ResidualMap residual = residualMap(data(), state().look(), true);
    paintResidual(painter, style, area, residual, layoutResidual(residual, data(), style, area, zoom_, 0),
                  data(), state().look());
  }

 protected:
  void refresh() override {
    message_ = whyNoFigure();
    residual_ =
        message_.isEmpty() ? residualMap(data(), state().look(), !PlotStyle::of(*this).dark) : ResidualMap{};
    // Its positions are computed once the panel is seen.
    if (message_.isEmpty() && residual_.computed == 0) message_ = tr("No layer has been computed yet");
    scene_ = {};
    describe();
    update();
    tellNeeds();
  }

  void paintEvent(QPaintEvent*) override {
    const PlotStyle style = PlotStyle::of(*this);
    QPainter painter(this);
    painter.fillRect(rect(), style.background);
    if (!message_.isEmpty()) return paintMessage(painter, style, rect(), message_);
    const double ratio = devicePixelRatioF();
    const QSize pixels = (QSizeF(size()) * ratio).toSize();
    if (scene_.isNull() || scene_.size() != pixels) {
      layout_ = layoutResidual(residual_, data(), style, rect(), zoom_, ratio);
      scene_ = QPixmap(pixels);
      scene_.setDevicePixelRatio(ratio);
      QPainter scene(&scene_);
      paintResidual(scene, style, rect(), residual_, layout_, data(), state().look());
    }
    painter.setOpacity(data().stale ? 0.45 : 1);
    painter.drawPixmap(0, 0, scene_);
    painter.setOpacity(1);
    paintSelection(painter, style);
  }

  void resizeEvent(QResizeEvent*) override { scene_ = {}; }
  void changeEvent(QEvent* event) override {
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
        event->type() == QEvent::EnabledChange)
      scheduleRefresh();
  }

  void mousePressEvent(QMouseEvent* event) override {
    if (event->button() == Qt::LeftButton && message_.isEmpty() &&
        layout_.grid.target.contains(event->position()))
      drag_ = Drag{event->position(), zoom_};
  }
  void mouseMoveEvent(QMouseEvent* event) override {
    const auto cell = at(event->position());
    state().setHover(cell ? wordsOf(cell->y(), cell->x()) : QString(), cell ? cell->x() : -1);
    setToolTip(cell ? wordsOf(cell->y(), cell->x()) : QString());
    if (!drag_) return;
    const double way = event->position().x() - drag_->from.x();
    if (std::abs(way) >= QApplication::styleHints()->startDragDistance()) drag_->moved = true;
    if (drag_->moved)
      setZoom(drag_->zoom.translated(-way / layout_.grid.target.width() * drag_->zoom.width(), 0));
  }
  void mouseReleaseEvent(QMouseEvent* event) override {
    if (event->button() != Qt::LeftButton || !drag_) return;
    const Drag drag = *std::exchange(drag_, std::nullopt);
    const auto cell = drag.moved ? std::nullopt : at(drag.from);
    if (cell) select(cell->y(), cell->x());
  }
  void mouseDoubleClickEvent(QMouseEvent*) override { setZoom(whole_figure); }
  void wheelEvent(QWheelEvent* event) override {
    const QPoint delta = event->angleDelta();
    zoomAt(event->position().x(), std::pow(1.25, (delta.y() != 0 ? delta.y() : delta.x()) / 120.0));
    event->accept();
  }
  void leaveEvent(QEvent*) override { state().setHover({}); }

  void keyPressEvent(QKeyEvent* event) override {
    const double middle = layout_.grid.target.center().x();
    switch (event->key()) {
      case Qt::Key_Left:
        return walk(0, -1);
      case Qt::Key_Right:
        return walk(0, 1);
      case Qt::Key_Up:
      case Qt::Key_PageUp:
        return walk(-1, 0);
      case Qt::Key_Down:
      case Qt::Key_PageDown:
        return walk(1, 0);
      case Qt::Key_Home:
        return walk(0, -residual_.map.columns());
      case Qt::Key_End:
        return walk(0, residual_.map.columns());
      case Qt::Key_Plus:
      case Qt::Key_Equal:
        return zoomAt(middle, 1.25);
      case Qt::Key_Minus:
        return zoomAt(middle, 0.8);
      case Qt::Key_Escape:
        return setZoom(whole_figure);
      default:
        View::keyPressEvent(event);
    }
  }

 private:
  struct Drag {
    QPointF from;
    FigureZoom zoom;
    bool moved = false;
  };

  /// (position, layer)
  std::optional<QPoint> at(const QPointF& point) const {
    return message_.isEmpty() ? layout_.grid.cellAt(point) : std::nullopt;
  }

  void setZoom(const FigureZoom& zoom) {
    const double least = std::min(1.0, 3.0 / std::max(1, residual_.map.columns()));
    const double width = std::clamp(zoom.width(), least, 1.0);
    zoom_ = FigureZoom(std::clamp(zoom.x(), 0.0, 1.0 - width), 0, width, 1);
    scene_ = {};
    update();
  }
  void zoomAt(double x, double factor) {
    if (!message_.isEmpty() || layout_.grid.target.width() <= 0) return;
    const double part = std::clamp((x - layout_.grid.target.x()) / layout_.grid.target.width(), 0.0, 1.0);
    const double width = std::min(1.0, zoom_.width() / factor);
    setZoom({zoom_.x() + part * (zoom_.width() - width), 0, width, 1});
  }

  void select(int layer, int position) {
    Selection selection = state().selection();
    selection.layer = layer;
    selection.position = position;
    state().setSelection(clamped(selection, *data().spec(), shownPositions(data())));
  }
  void walk(int layers, int positions) {
    if (!message_.isEmpty()) return;
    const Selection now = clamped(state().selection(), *data().spec(), shownPositions(data()));
    // The first key shows where the walk begins.
    const int position = now.position < 0 ? 0 : now.position + positions;
    select(std::clamp(now.layer + layers, 0, residual_.map.rows() - 1),
           std::clamp(position, 0, residual_.map.columns() - 1));
    state().setHover(wordsOf(state().selection().layer, state().selection().position));
  }

  QString wordsOf(int layer, int position) const {
    const auto words = [&](Shown run) {
      const ActivationSummary* summary = shownResidual(data(), run, layer);
      if (!summary || position < 0 || static_cast<std::size_t>(position) >= summary->largest.size())
        return absentWords(data());
      return residualWords(data(), layer, summary->largest[static_cast<std::size_t>(position)],
                           summary->median);
    };
    if (state().look().shown != Shown::Difference) return words(state().look().shown);
    return tr("%1 → %2").arg(words(Shown::Baseline), words(Shown::Disrupted));
  }

  void describe() {
    const Selection& now = state().selection();
    const bool there = message_.isEmpty() && data().spec() && now.position >= 0;
    setAccessibleDescription(there ? wordsOf(now.layer, now.position) : message_);
    if (there && hasFocus()) {
      QAccessibleEvent event(this, QAccessible::DescriptionChanged);
      QAccessible::updateAccessibility(&event);
    }
  }

  void paintSelection(QPainter& painter, const PlotStyle& style) const {
    const Selection now = clamped(state().selection(), *data().spec(), shownPositions(data()));
    const CellGrid& grid = layout_.grid;
    const double u = style.unit;
    painter.setBrush(Qt::NoBrush);
    const auto frame = [&](const QRectF& part) {
      const QRectF inside = part.intersected(grid.target.adjusted(-2 * u, -2 * u, 2 * u, 2 * u));
      if (inside.isEmpty()) return;
      painter.setPen(QPen(style.background, 3 * u));
      painter.drawRect(inside);
      painter.setPen(QPen(style.accent, 1.6 * u));
      painter.drawRect(inside);
    };
    frame(QRectF(QPointF(grid.target.left() - 2 * u, grid.y(now.layer) - u),
                 QPointF(grid.target.right() + 2 * u, grid.y(now.layer + 1) + u)));
    const int position = state().hoverPosition() >= 0 ? state().hoverPosition() : now.position;
    if (position >= 0 && position < residual_.map.columns())
      frame(QRectF(QPointF(grid.x(position) - u, grid.target.top() - 2 * u),
                   QPointF(grid.x(position + 1) + u, grid.target.bottom() + 2 * u)));
    if (hasFocus()) {
      painter.setPen(QPen(style.accent, 1));
      painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
  }

  ResidualMap residual_;
  ResidualLayout layout_;
  FigureZoom zoom_ = whole_figure;
  QString message_;
  QPixmap scene_;
  std::optional<Drag> drag_;
};

namespace {

const ViewRegistration registration(
    {QStringLiteral("residual"), QStringLiteral(QT_TRANSLATE_NOOP("Views", "Residual stream")), Place::Bottom,
     3, QKeySequence(),
     [](ViewState& state, QWidget* parent) -> View* { return new ResidualView(state, parent); }, false});

}  // namespace

}  // namespace qkscope

#include "residual_view.moc"
