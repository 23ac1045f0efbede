#pragma once
#include <QCoreApplication>
#include <QString>

namespace qkscope {

/// "1 entry", "12 entries": %1 in `many` stands for the number. (tr's own plural forms need a translation
/// file even for English.)
inline QString counted(qint64 n, const QString& one, const QString& many) {
  return n == 1 ? one : many.arg(n);
}

inline QString tokensWords(qint64 n) {
  return counted(n, QCoreApplication::translate("Counted", "1 token"),
                 QCoreApplication::translate("Counted", "%1 tokens"));
}

inline QString positionsWords(qint64 n) {
  return counted(n, QCoreApplication::translate("Counted", "1 position"),
                 QCoreApplication::translate("Counted", "%1 positions"));
}

}  // namespace qkscope
