#pragma once
#include <QString>
#include <optional>

namespace qkscope {

/// How well `typed` fits `text`: the letters of each of its words stand there in this order, with others
/// between them. Letters side by side and at the beginnings of words count more. Nothing where it does not
/// fit.
std::optional<int> fuzzyScore(const QString& typed, const QString& text);

}  // namespace qkscope
