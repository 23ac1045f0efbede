#pragma once
#include <QString>
#include <string_view>

namespace qkscope {

/// Core's words, which are UTF-8, as Qt has them.
inline QString text(std::string_view words) {
  return QString::fromUtf8(words.data(), static_cast<qsizetype>(words.size()));
}

}  // namespace qkscope
