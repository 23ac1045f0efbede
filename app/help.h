#pragma once
class QMenuBar;
class QWidget;

namespace qkscope {

/// All keys: those of everything in `menus`, and those of the picture and the cards.
void showKeyboard(const QMenuBar& menus, QWidget* parent);
/// What the pictures and numbers do not say.
void showLimits(QWidget* parent);
void showAbout(QWidget* parent);

}  // namespace qkscope
