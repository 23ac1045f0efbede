#include "views/token_text.h"

#include <QTextDocument>

namespace qkscope {

namespace {

/// Direction marks, which would turn the order of what is drawn after them.
bool turnsText(QChar letter) {
  switch (letter.direction()) {
    case QChar::DirLRE:
    case QChar::DirRLE:
    case QChar::DirLRO:
    case QChar::DirRLO:
    case QChar::DirPDF:
    case QChar::DirLRI:
    case QChar::DirRLI:
    case QChar::DirFSI:
    case QChar::DirPDI:
      return true;
    default:
      return letter == QChar(0x200e) || letter == QChar(0x200f);
  }
}

}  // namespace

QString visibleToken(const QString& piece) {
  QString text;
  for (const QChar letter : piece) {
    if (letter == u' ') {
      text += visible_blank;
    } else if (letter == u'\n') {
      text += QChar(0x21b5);
    } else if (letter == u'\t') {
      text += QChar(0x2192);
    } else if (letter.unicode() < 0x20) {
      text += QChar(0x2400 + letter.unicode());  // the picture of that control
    } else if (letter == QChar(0x7f)) {
      text += QChar(0x2421);
    } else if (turnsText(letter) || letter == QChar::LineSeparator || letter == QChar::ParagraphSeparator) {
      text += QStringLiteral("‹%1›").arg(letter.unicode(), 4, 16, QLatin1Char('0'));
    } else {
      text += letter;
    }
  }
  if (!text.isEmpty() && text.front().isMark()) text.prepend(QChar(0x25cc));
  return text;
}

QString toolTipText(const QString& text) {
  if (!Qt::mightBeRichText(text)) return text;
  return QStringLiteral("<p style='white-space:pre-wrap'>%1</p>").arg(text.toHtmlEscaped());
}

}  // namespace qkscope
