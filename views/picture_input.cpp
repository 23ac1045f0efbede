#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QStyleHints>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "views/picture_view.h"

// The half of PictureView that takes the mouse and the keyboard: zoom, hover, selection.

namespace qkscope {

namespace {

constexpr std::size_t longest_history = 100;

}  // namespace

void PictureView::fit() {
  setZoom(whole_map, true);
}

void PictureView::zoomBack() {
  if (zoom_history_.empty()) return;
  const MapZoom before = zoom_history_.back();
  zoom_history_.pop_back();
  setZoom(before, false);
}

void PictureView::setZoom(const MapZoom& zoom, bool remember) {
  if (model_.panels.empty()) return;
  int rows = 1;
  for (const MapPanel& panel : model_.panels) rows = std::max(rows, panel.map.rows());
  // Never closer than a few cells, never beside the maps.
  const double width = std::clamp(zoom.width(), std::min(1.0, 3.0 / std::max(1, model_.head_dim)), 1.0);
  const double height = std::clamp(zoom.height(), std::min(1.0, 2.0 / rows), 1.0);
  const MapZoom allowed(std::clamp(zoom.x(), 0.0, 1.0 - width), std::clamp(zoom.y(), 0.0, 1.0 - height),
                        width, height);
  if (allowed == zoom_) return;
  if (remember) {
    zoom_history_.push_back(zoom_);
    if (zoom_history_.size() > longest_history) zoom_history_.erase(zoom_history_.begin());
  }
  zoom_ = allowed;
  layOut();
}

void PictureView::zoomAt(const QPointF& at, double factor, bool dims, bool rows) {
  for (const CellGrid& grid : layout_.grids) {
    if (!grid.target.adjusted(-1, -80, 1, 1).contains(at)) continue;
    const double x = (at.x() - grid.target.x()) / grid.target.width();
    const double y = std::clamp((at.y() - grid.target.y()) / grid.target.height(), 0.0, 1.0);
    MapZoom zoom = zoom_;
    if (dims) {
      zoom.setWidth(std::min(1.0, zoom_.width() / factor));
      zoom.moveLeft(zoom_.x() + x * (zoom_.width() - zoom.width()));
    }
    if (rows) {
      zoom.setHeight(std::min(1.0, zoom_.height() / factor));
      zoom.moveTop(zoom_.y() + y * (zoom_.height() - zoom.height()));
    }
    setZoom(zoom, true);
    return;
  }
}

void PictureView::wheelEvent(QWheelEvent* event) {
  // Alt or Shift turns some mice's wheel sideways.
  const QPoint delta = event->angleDelta();
  const double notches = (delta.y() != 0 ? delta.y() : delta.x()) / 120.0;
  if (notches == 0) return;
  const bool only_dims = event->modifiers() & Qt::ControlModifier,
             only_rows = event->modifiers() & Qt::ShiftModifier;
  // Rows tall enough to read gain nothing by growing; a few heads would only leave the window.
  const bool tall = std::all_of(layout_.grids.begin(), layout_.grids.end(),
                                [](const CellGrid& grid) { return grid.cellSize().height() > 22; });
  const bool rows = only_rows || (!only_dims && (!tall || zoom_.height() < 1));
  zoomAt(event->position(), std::pow(1.25, notches), !only_rows, rows);
  pointer_ = event->position();
  hover();
  event->accept();
}

void PictureView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return View::mousePressEvent(event);
  for (std::size_t i = 0; i < layout_.grids.size(); ++i) {
    if (!layout_.grids[i].target.contains(event->position())) continue;
    const Qt::KeyboardModifiers with = event->modifiers();
    drag_ = Drag{event->position(),
                 zoom_,
                 i,
                 with & Qt::ControlModifier ? Drag::Zoom
                 : with & Qt::ShiftModifier ? Drag::Frame
                                            : Drag::Pan,
                 false,
                 event->position()};
    return;
  }
}

void PictureView::mouseMoveEvent(QMouseEvent* event) {
  pointer_ = event->position();
  if (!drag_) return hover();
  const QPointF way = event->position() - drag_->from;
  if (way.manhattanLength() >= QApplication::styleHints()->startDragDistance()) drag_->moved = true;
  if (!drag_->moved) return;
  drag_->to = event->position();
  if (drag_->kind != Drag::Pan) return update();
  const QRectF target = layout_.grids[drag_->panel].target;
  const bool first = zoom_ == drag_->zoom;
  setZoom(drag_->zoom.translated(-way.x() / target.width() * zoom_.width(),
                                 -way.y() / target.height() * zoom_.height()),
          first);
  if (zoom_ != whole_map) setCursor(Qt::ClosedHandCursor);
}

void PictureView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !drag_) return;
  const Drag drag = *std::exchange(drag_, std::nullopt);
  unsetCursor();
  const QRectF target = layout_.grids[drag.panel].target;
  if (drag.kind == Drag::Frame) {
    const QPointF last(std::clamp(drag.to.x(), target.left(), target.right() - 0.5),
                       std::clamp(drag.to.y(), target.top(), target.bottom() - 0.5));
    const auto from = layout_.cellAt(model_, drag.from),
               to = layout_.cellAt(model_, drag.moved ? last : drag.from);
    if (from && to && awaited_.isEmpty()) point(*from, *to);
  } else if (drag.moved && drag.kind == Drag::Zoom) {
    const QRectF box = QRectF(drag.from, drag.to).normalized().intersected(target);
    setZoom({zoom_.x() + (box.x() - target.x()) / target.width() * zoom_.width(),
             zoom_.y() + (box.y() - target.y()) / target.height() * zoom_.height(),
             box.width() / target.width() * zoom_.width(), box.height() / target.height() * zoom_.height()},
            true);
  } else if (!drag.moved) {
    if (const auto cell = layout_.cellAt(model_, drag.from)) select(*cell);
  }
  update();
}

void PictureView::point(const CellRef& from, const CellRef& to) {
  std::vector<ColumnEntry> entries;
  bool all_taken = true;
  for (int row = std::min(from.row, to.row); row <= std::max(from.row, to.row); ++row) {
    const Selection at = model_.at({from.panel, row, 0});
    const std::vector<int> taken = taken_.of(at.site, at.layer, at.head, model_.head_dim);
    for (int dim = std::min(from.column, to.column); dim <= std::max(from.column, to.column); ++dim) {
      entries.push_back({at.site, at.layer, at.head, dim});
      all_taken = all_taken && std::ranges::binary_search(taken, dim);
    }
  }
  // The same again takes it back.
  Q_EMIT columnsPointed(ordered(std::move(entries)), all_taken ? Pointing::Remove : Pointing::Add);
}

std::optional<CellRef> PictureView::pointedAt(const QPointF& at) const {
  if (const auto cell = layout_.cellAt(model_, at)) return cell;
  for (std::size_t i = 0; i < layout_.dim_axes.size() && i < layout_.grids.size(); ++i) {
    const CellGrid& grid = layout_.grids[i];
    const bool on_ruler = i < layout_.rulers.size() && layout_.rulers[i].contains(at);
    if (!on_ruler && !layout_.dim_axes[i].contains(at)) continue;
    for (int dim = 0; dim < model_.head_dim; ++dim) {
      if (at.x() < grid.x(dim) || at.x() >= grid.x(dim + 1)) continue;
      const auto selected = model_.find(state().selection());
      return selected ? CellRef{selected->panel, selected->row, dim} : CellRef{i, 0, dim};
    }
  }
  return std::nullopt;
}

void PictureView::contextMenuEvent(QContextMenuEvent* event) {
  const bool by_mouse = event->reason() == QContextMenuEvent::Mouse;
  const auto cell = by_mouse ? pointedAt(event->pos()) : model_.find(state().selection());
  if (!cell || !awaited_.isEmpty()) return event->ignore();
  const QPoint at = by_mouse ? event->globalPos() : mapToGlobal(layout_.cell(*cell).center().toPoint());
  Q_EMIT menuRequested(model_.at(*cell), at);
}

void PictureView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) fit();
}

void PictureView::hover() {
  const auto cell = layout_.cellAt(model_, *pointer_);
  if (cell == hovered_) return;
  hovered_ = cell;
  const Selection at = cell ? model_.at(*cell) : Selection{};
  state().setHover(cell ? cellWords(data(), state().look(), at) : QString(), at.position);
  update();
}

void PictureView::leaveEvent(QEvent*) {
  pointer_.reset();
  hovered_.reset();
  state().setHover({});
  update();
}

void PictureView::select(const CellRef& cell) {
  Selection selection = model_.at(cell);
  // A picture over all positions leaves the one that is selected.
  const Selection& now = state().selection();
  if (model_.rows != MapRows::Positions) selection.position = now.position;
  if (!awaited_.isEmpty()) {
    // In a picture that is about to go, a place: not its layer and head.
    selection.layer = now.layer;
    selection.head = headBeside(now, selection.site, *data().spec());
  }
  state().setSelection(selection);
}

void PictureView::walk(int rows, int dims) {
  if (model_.panels.empty()) return;
  auto cell = model_.find(state().selection());
  if (!cell) return;
  if (state().selection().dim < 0) {
    // The first key shows where the walk begins.
    select(*cell);
    return;
  }
  cell->column = std::clamp(cell->column + dims, 0, model_.head_dim - 1);
  if (model_.side_by_side) {
    cell->row = std::clamp(cell->row + rows, 0, model_.panels[cell->panel].map.rows() - 1);
  } else {
    // Past the last row of Q comes the first of K.
    cell->row += rows;
    if (cell->row < 0 && cell->panel > 0) {
      --cell->panel;
      cell->row = model_.panels[cell->panel].map.rows() - 1;
    } else if (cell->row >= model_.panels[cell->panel].map.rows() && cell->panel + 1 < model_.panels.size()) {
      ++cell->panel;
      cell->row = 0;
    }
    cell->row = std::clamp(cell->row, 0, std::max(0, model_.panels[cell->panel].map.rows() - 1));
  }
  select(*cell);
  const Selection at = model_.at(*cell);
  state().setHover(cellWords(data(), state().look(), at), at.position);
}

void PictureView::walkLayers(int layers) {
  Selection selection = state().selection();
  selection.layer = std::clamp(selection.layer + layers, 0, std::max(0, model_.num_layers - 1));
  state().setSelection(selection);
}

void PictureView::keyPressEvent(QKeyEvent* event) {
  const QPointF middle = layout_.grids.empty() ? QPointF() : layout_.grids.front().target.center();
  switch (event->key()) {
    case Qt::Key_Left:
      walk(0, -1);
      break;
    case Qt::Key_Right:
      walk(0, 1);
      break;
    case Qt::Key_Up:
      walk(-1, 0);
      break;
    case Qt::Key_Down:
      walk(1, 0);
      break;
    case Qt::Key_Home:
      walk(0, -model_.head_dim);
      break;
    case Qt::Key_End:
      walk(0, model_.head_dim);
      break;
    case Qt::Key_PageUp:
      walkLayers(-1);
      break;
    case Qt::Key_PageDown:
      walkLayers(1);
      break;
    case Qt::Key_Backspace:
      zoomBack();
      break;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      zoomAt(middle, 1.25, true, true);
      break;
    case Qt::Key_Minus:
      zoomAt(middle, 0.8, true, true);
      break;
    case Qt::Key_Escape:
      fit();
      break;
    default:
      View::keyPressEvent(event);
      return;
  }
  event->accept();
}

}  // namespace qkscope
