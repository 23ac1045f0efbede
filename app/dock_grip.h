#pragma once
#include <QWidget>

class QDockWidget;

namespace qkscope {

/// A grip to drag a dock by, with buttons that float and close it. It carries no words: tabs and the panels'
/// own headings do.
class DockGrip : public QWidget {
  Q_OBJECT
 public:
  explicit DockGrip(QDockWidget* dock);

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  bool upright_;  // at the side of the dock rather than over it
};

}  // namespace qkscope
