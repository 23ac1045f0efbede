#pragma once
#include <QAction>
#include <QList>

namespace qkscope {

/// All keys: those of `actions`, and those of the picture.
void showKeyboard(const QList<QAction*>& actions, QWidget* parent);
/// What the pictures and numbers do not say.
void showLimits(QWidget* parent);
void showAbout(QWidget* parent);

}  // namespace qkscope
