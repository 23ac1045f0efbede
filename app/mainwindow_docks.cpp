// Where the panels stand: their places at the start, as tabs, and as they were left.
#include <QDockWidget>
#include <algorithm>
#include <map>

#include "app/dock_grip.h"
#include "app/dock_sizes.h"
#include "app/mainwindow.h"

namespace qkscope {

namespace {

// Raised when docks are added or renamed, so that an old layout is not forced on them.
constexpr int kLayoutVersion = 5;

Qt::DockWidgetArea area(Place place) {
  switch (place) {
    case Place::Left:
      return Qt::LeftDockWidgetArea;
    case Place::Right:
      return Qt::RightDockWidgetArea;
    default:
      return Qt::BottomDockWidgetArea;
  }
}

}  // namespace

QDockWidget* MainWindow::makeDock(const ViewEntry& entry, View* view) {
  auto* dock = new QDockWidget(entry.title, this);
  QString name = entry.id;
  name[0] = name[0].toUpper();
  dock->setObjectName(u"dock" + name);
  // A bar at the side costs the prompts no height.
  if (entry.place == Place::Bottom)
    dock->setFeatures(dock->features() | QDockWidget::DockWidgetVerticalTitleBar);
  dock->setTitleBarWidget(new DockGrip(dock));
  dock->setWidget(view);
  docks_->add(area(entry.place), dock);
  // Behind another tab a dock only lies out of sight, where Tab would lead to its controls all the same.
  connect(dock, &QDockWidget::visibilityChanged, view, &QWidget::setEnabled);
  connect(dock, &QDockWidget::visibilityChanged, this, &MainWindow::updateNeeds);
  return dock;
}

void MainWindow::arrangeDocks() {
  layout_before_.clear();
  centralWidget()->show();
  std::map<Place, QDockWidget*> first;
  for (const Placed& placed : views_) {
    if (!placed.dock) continue;
    placed.dock->setFloating(false);
    addDockWidget(area(placed.entry->place), placed.dock);
    placed.dock->setVisible(placed.entry->at_start);
    QDockWidget*& neighbour = first[placed.entry->place];
    // A closed one would leave a tab bar without tabs, where the Tab key stops.
    if (neighbour && placed.entry->at_start) tabifyDockWidget(neighbour, placed.dock);
    if (!neighbour) neighbour = placed.dock;
  }
  for (const auto& [place, dock] : first) dock->raise();
  docks_->reset();
}

void MainWindow::togglePanel(const Placed& placed) {
  QDockWidget* dock = placed.dock;
  const auto front = std::ranges::find_if(views_, [&](const Placed& other) {
    return other.dock && other.dock != dock && other.entry->place == placed.entry->place &&
           other.dock->isVisible();
  });
  // Before it is seen: beside its neighbour rather than before it, it might need a higher window.
  if (dock->isHidden() && !placed.entry->at_start && !dock->isFloating() && front != views_.end() &&
      tabifiedDockWidgets(dock).isEmpty())
    tabifyDockWidget(front->dock, dock);
  dock->toggleViewAction()->trigger();
  if (!dock->isHidden()) dock->raise();
}

void MainWindow::showPanel(const QString& id) {
  const auto placed =
      std::ranges::find_if(views_, [&id](const Placed& one) { return one.dock && one.entry->id == id; });
  if (placed == views_.end()) return;
  if (placed->dock->isHidden()) return togglePanel(*placed);
  placed->dock->raise();
}

void MainWindow::enlargePanel() {
  if (!layout_before_.isEmpty()) {
    centralWidget()->show();
    restoreState(layout_before_, kLayoutVersion);
    layout_before_.clear();
    return;
  }
  const QWidget* focus = focusWidget();
  const auto held = [focus](const Placed& one) {
    return one.dock && focus && !one.dock->isFloating() && one.dock->isAncestorOf(focus);
  };
  const auto front = std::ranges::find_if(views_, held);
  layout_before_ = saveState(kLayoutVersion);
  for (auto one = views_.begin(); one != views_.end(); ++one) {
    if (one->dock && one != front && !one->dock->isFloating()) one->dock->hide();
  }
  centralWidget()->setVisible(front == views_.end());
}

void MainWindow::restoreLayout(std::optional<QSize> size) {
  restoreGeometry(settings_.geometry());
  if (size) {
    showNormal();
    resize(*size);
  }
  if (restoreState(settings_.layout(), kLayoutVersion)) {
    docks_->keep();
  } else {
    arrangeDocks();
  }
}

void MainWindow::keepLayout() {
  settings_.setWindow(saveGeometry(), layout_before_.isEmpty() ? saveState(kLayoutVersion) : layout_before_);
}

}  // namespace qkscope
