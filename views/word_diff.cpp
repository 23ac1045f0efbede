#include "views/word_diff.h"

#include <QRegularExpression>
#include <algorithm>

namespace qkscope {

namespace {

std::vector<DiffWord> split(const QString& text) {
  static const QRegularExpression pattern(QStringLiteral("(\\s*)(\\S+)"));
  std::vector<DiffWord> words;
  for (auto match = pattern.globalMatch(text); match.hasNext();) {
    const QRegularExpressionMatch m = match.next();
    words.push_back({m.captured(1), m.captured(2)});
  }
  return words;
}

}  // namespace

std::vector<DiffWord> diffWords(const QString& reference, const QString& text) {
  const std::vector<DiffWord> a = split(reference);
  std::vector<DiffWord> b = split(text);
  // length[i][j]: of the longest common sequence of a[i..] and b[j..]
  std::vector<std::vector<int>> length(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i][j] =
          a[i].word == b[j].word ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  std::size_t i = 0, j = 0;
  while (j < b.size()) {
    if (i < a.size() && a[i].word == b[j].word) {
      ++i, ++j;
    } else if (i < a.size() && length[i + 1][j] >= length[i][j + 1]) {
      ++i;
    } else {
      b[j++].changed = true;
    }
  }
  return b;
}

}  // namespace qkscope
