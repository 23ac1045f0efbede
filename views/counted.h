#pragma once
#include <QString>

namespace qkscope {

/// "1 token", "12 tokens": %1 in `many` stands for the number. (tr's own plural forms need a translation
/// file even for English.)
inline QString counted(qint64 n, const QString& one, const QString& many) {
  return n == 1 ? one : many.arg(n);
}

}  // namespace qkscope
