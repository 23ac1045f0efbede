#pragma once
#include <QMainWindow>
#include <map>
#include <vector>

class QDockWidget;

namespace qkscope {

/// The room at the sides of the window. It grows and shrinks with the type, and below with the window, so
/// that the same type in the same window always gives the same layout. A border that somebody dragged stays
/// where it was put, measured in the type.
class DockSizes : public QObject {
  Q_OBJECT
 public:
  explicit DockSizes(QMainWindow* window);
  void add(Qt::DockWidgetArea area, QDockWidget* dock) { docks_[area].push_back(dock); }
  /// Back to the sizes the window chooses.
  void reset();
  /// The sizes that are there now, e.g. those of a stored layout, as if borders had been dragged there.
  void keep() { remember({}); }

  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  using Extents = std::map<Qt::DockWidgetArea, int>;  // px

  void apply();
  Extents extents() const;
  void remember(const Extents& before);
  double unit() const;
  /// Width of a side, height of the bottom, as the window chooses it; px.
  int chosen(Qt::DockWidgetArea area) const;
  QDockWidget* visible(Qt::DockWidgetArea area) const;

  QMainWindow* window_;
  std::map<Qt::DockWidgetArea, std::vector<QDockWidget*>> docks_;
  std::map<Qt::DockWidgetArea, double> dragged_;  // in units of the type
  Extents pressed_;                               // when the mouse button went down
};

}  // namespace qkscope
