#include "app/segmented.h"

#include <QAction>
#include <QHBoxLayout>
#include <QToolButton>

namespace qkscope {

Segmented::Segmented(const std::vector<QAction*>& actions, const QString& name, QWidget* parent)
    : QWidget(parent) {
  setAccessibleName(name);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  for (std::size_t i = 0; i < actions.size(); ++i) {
    auto* button = new QToolButton(this);
    button->setDefaultAction(actions[i]);
    button->setFocusPolicy(Qt::TabFocus);
    button->setProperty("segment", i == 0                    ? QStringLiteral("first")
                                   : i + 1 == actions.size() ? QStringLiteral("last")
                                                             : QStringLiteral("middle"));
    layout->addWidget(button);
  }
}

}  // namespace qkscope
