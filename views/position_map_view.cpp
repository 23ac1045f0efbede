#include "views/position_map_view.h"

#include <QAccessible>
#include <QApplication>
#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QStyleHints>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "views/token_text.h"

namespace qkscope {

PositionMapView::PositionMapView(ViewState& state, QWidget* parent) : View(state, parent) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
  connect(&state, &ViewState::selectionChanged, this, [this] {
    // Before there is a new picture what is selected may lie beside the old one.
    if (!picture_.map.empty()) describe();
    update();
  });
  connect(&state, &ViewState::hoverPositionChanged, this, [this] { update(); });
}

std::optional<ColorLimits> PositionMapView::colorLimits() const {
  if (picture_.map.empty()) return std::nullopt;
  return ColorLimits{picture_.bar.norm.low, picture_.bar.norm.high};
}

void PositionMapView::paintFigure(QPainter& painter, const QRectF& area) const {
  const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
  QString message = whyNoFigure();
  const PositionMap drawn = message.isEmpty() ? picture(style) : PositionMap{};
  if (message.isEmpty()) message = whyNotYet(drawn);
  if (!message.isEmpty()) {
    painter.fillRect(area, style.background);
    return paintMessage(painter, style, area, message);
  }
  paintPositionMap(painter, style, area, drawn, layoutPositionMap(drawn, style, area, zoom_, 0));
}

void PositionMapView::refresh() {
  message_ = whyNoFigure();
  picture_ = message_.isEmpty() ? picture(PlotStyle::of(*this)) : PositionMap{};
  if (message_.isEmpty()) message_ = whyNotYet(picture_);
  scene_ = {};
  describe();
  update();
  tellNeeds();
}

void PositionMapView::paintEvent(QPaintEvent*) {
  const PlotStyle style = PlotStyle::of(*this);
  QPainter painter(this);
  painter.fillRect(rect(), style.background);
  if (!message_.isEmpty()) return paintMessage(painter, style, rect(), message_);
  const double ratio = devicePixelRatioF();
  const QSize pixels = (QSizeF(size()) * ratio).toSize();
  if (scene_.isNull() || scene_.size() != pixels) {
    layout_ = layoutPositionMap(picture_, style, rect(), zoom_, ratio);
    scene_ = QPixmap(pixels);
    scene_.setDevicePixelRatio(ratio);
    QPainter scene(&scene_);
    paintPositionMap(scene, style, rect(), picture_, layout_);
  }
  painter.setOpacity(data().stale ? 0.45 : 1);
  painter.drawPixmap(0, 0, scene_);
  painter.setOpacity(1);
  paintMarks(painter, style);
}

void PositionMapView::resizeEvent(QResizeEvent*) {
  scene_ = {};
}

void PositionMapView::changeEvent(QEvent* event) {
  View::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
      event->type() == QEvent::EnabledChange)
    scheduleRefresh();
}

std::optional<QPoint> PositionMapView::at(const QPointF& point) const {
  return message_.isEmpty() ? layout_.grid.cellAt(point) : std::nullopt;
}

void PositionMapView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && message_.isEmpty() &&
      layout_.grid.target.contains(event->position()))
    drag_ = Drag{event->position(), zoom_};
}

void PositionMapView::mouseMoveEvent(QMouseEvent* event) {
  const auto cell = at(event->position());
  state().setHover(cell ? wordsAt(*cell) : QString(), cell ? cell->x() : -1);
  setToolTip(cell ? toolTipText(wordsAt(*cell)) : QString());
  if (!drag_) return;
  const QPointF way = event->position() - drag_->from;
  if (way.manhattanLength() >= QApplication::styleHints()->startDragDistance()) drag_->moved = true;
  const QSizeF target = layout_.grid.target.size();
  if (drag_->moved)
    setZoom(drag_->zoom.translated(-way.x() / target.width() * drag_->zoom.width(),
                                   -way.y() / target.height() * drag_->zoom.height()));
}

void PositionMapView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !drag_) return;
  const Drag drag = *std::exchange(drag_, std::nullopt);
  const auto cell = drag.moved ? std::nullopt : at(drag.from);
  if (cell) state().setSelection(selectionAt(*cell));
}

void PositionMapView::mouseDoubleClickEvent(QMouseEvent*) {
  setZoom(whole_figure);
}

void PositionMapView::wheelEvent(QWheelEvent* event) {
  const QPoint delta = event->angleDelta();
  zoomAt(event->position(), std::pow(1.25, (delta.y() != 0 ? delta.y() : delta.x()) / 120.0));
  event->accept();
}

void PositionMapView::contextMenuEvent(QContextMenuEvent* event) {
  if (!message_.isEmpty()) return;
  // By a key: of the cell that is selected.
  const bool by_mouse = event->reason() == QContextMenuEvent::Mouse;
  const QPoint selected = selectedCell();
  const bool is_selected = selected.x() >= 0 && selected.y() >= 0;
  const auto cell = by_mouse ? at(event->pos()) : is_selected ? std::optional(selected) : std::nullopt;
  if (!cell) return;
  showMenuAt(*cell, by_mouse ? event->globalPos()
                             : mapToGlobal(layout_.grid.cell(cell->y(), cell->x()).center().toPoint()));
}

void PositionMapView::leaveEvent(QEvent*) {
  state().setHover({});
}

void PositionMapView::setZoom(const FigureZoom& zoom) {
  const double least = std::min(1.0, 3.0 / std::max(1, picture_.map.columns()));
  const double width = std::clamp(zoom.width(), least, 1.0);
  const double height = picture_.rows_are_tokens ? std::clamp(zoom.height(), least, 1.0) : 1.0;
  zoom_ = FigureZoom(std::clamp(zoom.x(), 0.0, 1.0 - width), std::clamp(zoom.y(), 0.0, 1.0 - height), width,
                     height);
  scene_ = {};
  update();
}

void PositionMapView::zoomAt(const QPointF& at, double factor) {
  const QRectF& target = layout_.grid.target;
  if (!message_.isEmpty() || target.isEmpty()) return;
  const double x = std::clamp((at.x() - target.x()) / target.width(), 0.0, 1.0),
               y = std::clamp((at.y() - target.y()) / target.height(), 0.0, 1.0);
  const double width = std::min(1.0, zoom_.width() / factor), height = std::min(1.0, zoom_.height() / factor);
  setZoom(
      {zoom_.x() + x * (zoom_.width() - width), zoom_.y() + y * (zoom_.height() - height), width, height});
}

void PositionMapView::walk(int rows, int columns) {
  if (!message_.isEmpty()) return;
  QPoint cell = selectedCell();
  // The first key shows where the walk begins.
  const bool begins = cell.x() < 0 || cell.y() < 0;
  cell = {std::clamp(cell.x() + (begins ? 0 : columns), 0, picture_.map.columns() - 1),
          std::clamp(cell.y() + (begins ? 0 : rows), 0, picture_.map.rows() - 1)};
  state().setSelection(selectionAt(cell));
  state().setHover(wordsAt(cell));
}

void PositionMapView::keyPressEvent(QKeyEvent* event) {
  const QPointF middle = layout_.grid.target.center();
  switch (event->key()) {
    case Qt::Key_Left:
      return walk(0, -1);
    case Qt::Key_Right:
      return walk(0, 1);
    case Qt::Key_Up:
      return walk(-1, 0);
    case Qt::Key_Down:
      return walk(1, 0);
    case Qt::Key_Home:
      return walk(0, -picture_.map.columns());
    case Qt::Key_End:
      return walk(0, picture_.map.columns());
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

void PositionMapView::describe() {
  const QPoint cell = message_.isEmpty() ? selectedCell() : QPoint(-1, -1);
  const bool there = cell.x() >= 0 && cell.y() >= 0;
  setAccessibleDescription(there ? wordsAt(cell) : message_.isEmpty() ? picture_.title : message_);
  if (there && hasFocus()) {
    QAccessibleEvent event(this, QAccessible::DescriptionChanged);
    QAccessible::updateAccessibility(&event);
  }
}

void PositionMapView::paintMarks(QPainter& painter, const PlotStyle& style) const {
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
  const QPoint cell = selectedCell();
  if (cell.y() >= 0 && cell.y() < picture_.map.rows())
    frame(QRectF(QPointF(grid.target.left() - 2 * u, grid.y(cell.y()) - u),
                 QPointF(grid.target.right() + 2 * u, grid.y(cell.y() + 1) + u)));
  const int column = state().hoverPosition() >= 0 ? state().hoverPosition() : cell.x();
  if (column >= 0 && column < picture_.map.columns())
    frame(QRectF(QPointF(grid.x(column) - u, grid.target.top() - 2 * u),
                 QPointF(grid.x(column + 1) + u, grid.target.bottom() + 2 * u)));
  if (hasFocus()) {
    painter.setPen(QPen(style.accent, 1));
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
  }
}

}  // namespace qkscope
