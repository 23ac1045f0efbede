#pragma once
#include <QString>
#include <vector>

namespace qkscope {

/// A word of a text together with the blanks before it.
struct DiffWord {
  QString blanks, word;
  bool changed = false;  // not part of the longest common sequence of words
};

/// The words of `text`, those that `reference` lacks (at that place) marked as changed.
std::vector<DiffWord> diffWords(const QString& reference, const QString& text);

}  // namespace qkscope
