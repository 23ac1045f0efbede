#pragma once
class QWidget;

namespace qkscope {

class CommandTable;

/// All keys: those of every command, and those of the picture and the cards.
void showKeyboard(const CommandTable& commands, QWidget* parent);
/// What the pictures and numbers do not say.
void showLimits(QWidget* parent);
void showAbout(QWidget* parent);

}  // namespace qkscope
