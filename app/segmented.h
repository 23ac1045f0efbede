#pragma once
#include <QWidget>
#include <vector>

class QAction;

namespace qkscope {

/// Exclusive actions side by side as one control. The actions carry text, shortcut and state.
class Segmented : public QWidget {
  Q_OBJECT
 public:
  Segmented(const std::vector<QAction*>& actions, const QString& name, QWidget* parent);
};

}  // namespace qkscope
