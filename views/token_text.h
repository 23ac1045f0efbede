#pragma once
#include <QString>

namespace qkscope {

/// A token's text as it can be drawn in one line: blanks as a middle dot, line ends and tabs as arrows, other
/// characters without a glyph of their own (controls, marks of direction) as pictures or codes, a combining
/// mark that follows nothing on a dotted circle.
QString visibleToken(const QString& piece);
/// What stands for a blank in it.
inline constexpr QChar visible_blank(0x00b7);

/// `text` for a tool tip, which shows it letter by letter: Qt takes what looks like a tag for HTML.
QString toolTipText(const QString& text);

}  // namespace qkscope
