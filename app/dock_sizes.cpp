#include "app/dock_sizes.h"

#include <QDockWidget>
#include <QEvent>
#include <QLayout>
#include <QTimer>
#include <algorithm>
#include <cmath>

#include "views/plot_style.h"
#include "views/view.h"

namespace qkscope {

namespace {

Qt::Orientation orientation(Qt::DockWidgetArea area) {
  return area == Qt::BottomDockWidgetArea ? Qt::Vertical : Qt::Horizontal;
}

int extent(Qt::DockWidgetArea area, const QWidget& widget) {
  return orientation(area) == Qt::Vertical ? widget.height() : widget.width();
}

}  // namespace

DockSizes::DockSizes(QMainWindow* window) : QObject(window), window_(window) {
  window->installEventFilter(this);
}

double DockSizes::unit() const {
  return PlotStyle::of(*window_).unit;
}

int DockSizes::chosen(Qt::DockWidgetArea area) const {
  const double u = unit();
  switch (area) {
    case Qt::LeftDockWidgetArea:
      return static_cast<int>(std::min(222 * u, 0.22 * window_->width()));
    case Qt::RightDockWidgetArea:
      return static_cast<int>(std::min(357 * u, 0.36 * window_->width()));
    default:
      break;
  }
  // A tall window has more room than the picture can use: the answers get their part of it.
  const double height = window_->height();
  return static_cast<int>(std::max(0.34 * height, std::min(294 * u, 0.42 * height)));
}

QDockWidget* DockSizes::visible(Qt::DockWidgetArea area) const {
  const auto found = docks_.find(area);
  if (found == docks_.end()) return nullptr;
  for (QDockWidget* dock : found->second) {
    if (dock->isVisible() && !dock->isFloating() && window_->dockWidgetArea(dock) == area) return dock;
  }
  return nullptr;
}

void DockSizes::reset() {
  dragged_.clear();
  apply();
}

DockSizes::Extents DockSizes::extents() const {
  Extents extents;
  for (const auto& [area, docks] : docks_) {
    if (const QDockWidget* dock = visible(area)) extents[area] = extent(area, *dock);
  }
  return extents;
}

void DockSizes::remember(const Extents& before) {
  for (const auto& [area, now] : extents()) {
    const auto was = before.find(area);
    if (was != before.end() && was->second == now) continue;
    if (std::abs(now - chosen(area)) <= 2) {
      dragged_.erase(area);
    } else {
      dragged_[area] = now / unit();
    }
  }
}

void DockSizes::apply() {
  window_->layout()->activate();
  for (const auto& [area, docks] : docks_) {
    QDockWidget* dock = visible(area);
    if (!dock) continue;
    const auto dragged = dragged_.find(area);
    const int wanted =
        dragged == dragged_.end() ? chosen(area) : static_cast<int>(std::lround(dragged->second * unit()));
    window_->resizeDocks({dock}, {wanted}, orientation(area));
  }
}

bool DockSizes::eventFilter(QObject* watched, QEvent* event) {
  switch (event->type()) {
    // A border of a dock belongs to the window itself, which moves it after this filter.
    case QEvent::MouseButtonPress:
      pressed_ = extents();
      break;
    case QEvent::MouseButtonRelease:
      QTimer::singleShot(0, this, [this] { remember(pressed_); });
      break;
    case QEvent::Resize:
    case QEvent::Show:
      QTimer::singleShot(0, this, &DockSizes::apply);
      break;
    case QEvent::StyleChange:
      // Once what is inside has its new sizes.
      QTimer::singleShot(0, this, [this] {
        View::refreshAllDue();
        apply();
      });
      break;
    default:
      break;
  }
  return QObject::eventFilter(watched, event);
}

}  // namespace qkscope
