#pragma once
#include <QString>

class QWidget;

namespace qkscope {

class CommandTable;

/// All keys: those of every command, and those of the picture and the cards.
void showKeyboard(const CommandTable& commands, QWidget* parent);
/// What the pictures and numbers do not say.
void showLimits(QWidget* parent);
/// The words that the window uses.
void showGlossary(QWidget* parent);
void showAbout(QWidget* parent);
/// BibTeX of QKScope and of the papers that it follows.
QString citations();

}  // namespace qkscope
