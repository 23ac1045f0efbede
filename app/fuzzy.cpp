#include "app/fuzzy.h"

#include <QStringList>
#include <algorithm>
#include <limits>
#include <vector>

namespace qkscope {

namespace {

// Going on side by side is worth more than leaping to the beginning of another word.
constexpr int kLetter = 1, kBeside = 5, kWordStart = 4;
constexpr int kNone = std::numeric_limits<int>::min();

/// The best over all ways to find the letters of `word` in `text`, both in lower case.
std::optional<int> wordScore(const QString& word, const QString& text) {
  const auto size = static_cast<std::size_t>(text.size());
  std::vector<int> before(size, kNone);  // of the letters so far, the last one of which stands here
  for (qsizetype i = 0; i < word.size(); ++i) {
    std::vector<int> now(size, kNone);
    int best = i == 0 ? 0 : kNone;  // of the letters before this one, anywhere to the left
    for (std::size_t at = 0; at < size; ++at) {
      const auto place = static_cast<qsizetype>(at);
      if (text[place] == word[i]) {
        const bool starts = at == 0 || !text[place - 1].isLetterOrNumber();
        int from = best;
        if (i > 0 && at > 0 && before[at - 1] != kNone) from = std::max(from, before[at - 1] + kBeside);
        if (from != kNone) now[at] = from + kLetter + (starts ? kWordStart : 0);
      }
      if (i > 0) best = std::max(best, before[at]);
    }
    before = std::move(now);
  }
  const int best = before.empty() ? kNone : *std::ranges::max_element(before);
  return best == kNone ? std::nullopt : std::optional(best);
}

}  // namespace

std::optional<int> fuzzyScore(const QString& typed, const QString& text) {
  const QString lower = text.toLower();
  int sum = 0;
  for (const QString& word : typed.toLower().split(u' ', Qt::SkipEmptyParts)) {
    const std::optional<int> score = wordScore(word, lower);
    if (!score) return std::nullopt;
    sum += *score;
  }
  return sum;
}

}  // namespace qkscope
