#include "core/tasks/qa_groups.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <tuple>

#include "core/base/draw.h"

namespace qkscope {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::set<std::string> folded_answers(const QaItem& item) {
  std::set<std::string> answers;
  for (const std::string& answer : item.answers) answers.insert(joined(folded_words(answer)));
  return answers;
}

bool agree(const QaSet& set, const std::vector<std::size_t>& items) {
  const std::set<std::string> first = folded_answers(set.items[items.front()]);
  return std::ranges::all_of(items, [&](std::size_t i) { return folded_answers(set.items[i]) == first; });
}

/// The answer as a group is named; those of several answers go by the first.
std::string answer_of(const QaItem& item) {
  return item.answers.front();
}

}  // namespace

std::vector<std::string> folded_words(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* folding = icu::Normalizer2::getNFKCCasefoldInstance(status);
  icu::UnicodeString folded = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(std::min<std::size_t>(text.size(), 1u << 30))));
  if (U_SUCCESS(status)) folded = folding->normalize(folded, status);
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto end_word = [&] {
    if (!word.isEmpty()) word.toUTF8String(words.emplace_back());
    word.remove();
  };
  for (int32_t at = 0; at < folded.length(); at = folded.moveIndex32(at, 1)) {
    const UChar32 c = folded.char32At(at);
    const bool is_mark = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
    const bool is_apostrophe = c == U'\'' || c == U'\u2019';
    if (u_isalnum(c) || is_mark) {
      word.append(c);
    } else if (!is_apostrophe) {
      end_word();
    }
  }
  end_word();
  return words;
}

std::vector<QaDuplicates> find_duplicates(const QaSet& set, std::span<const std::size_t> among) {
  struct Like {
    std::vector<std::size_t> firsts;  // of each wording
  };
  std::map<std::string, std::vector<std::size_t>> same;
  std::map<std::string, Like> like;
  for (const std::size_t index : among) {
    std::vector<std::string> words = folded_words(set.items[index].question);
    // Nothing but signs, as in "2 + 2 = ?" without its digits: told apart by the text itself.
    if (words.empty()) words = {set.items[index].question};
    std::vector<std::size_t>& group = same[joined(words)];
    if (group.empty()) {
      std::ranges::sort(words);
      like[joined(words)].firsts.push_back(index);
    }
    group.push_back(index);
  }
  std::vector<QaDuplicates> found;
  for (auto& [words, items] : same) {
    if (items.size() > 1) found.push_back({items, true, agree(set, items)});
  }
  for (auto& [words, group] : like) {
    if (group.firsts.size() > 1) found.push_back({group.firsts, false, agree(set, group.firsts)});
  }
  std::ranges::sort(found, [](const QaDuplicates& a, const QaDuplicates& b) {
    return std::tuple(a.items.front(), !a.same) < std::tuple(b.items.front(), !b.same);
  });
  return found;
}

std::vector<std::size_t> repeated(std::span<const QaDuplicates> groups) {
  std::vector<std::size_t> all;
  for (const QaDuplicates& group : groups) {
    if (group.same && group.agree) all.insert(all.end(), group.items.begin() + 1, group.items.end());
  }
  std::ranges::sort(all);
  return all;
}

std::string_view qa_balance_name(QaBalance by) {
  return by == QaBalance::Answer ? "answer" : by == QaBalance::Category ? "category" : "both";
}

std::map<std::string, std::vector<std::size_t>> qa_groups(const QaSet& set,
                                                          std::span<const std::size_t> among, QaBalance by) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (const std::size_t index : among) {
    const QaItem& item = set.items[index];
    std::string name = by == QaBalance::Answer ? answer_of(item) : item.category;
    if (by == QaBalance::Both) name += (name.empty() ? "" : ", ") + answer_of(item);
    groups[name].push_back(index);
  }
  return groups;
}

std::vector<std::size_t> qa_surplus(const QaSet& set, std::span<const std::size_t> among, QaBalance by,
                                    std::uint64_t seed) {
  auto groups = qa_groups(set, among, by);
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& [name, items] : groups) least = std::min(least, items.size());
  std::mt19937_64 engine(seed);
  std::vector<std::size_t> surplus;
  for (auto& [name, items] : groups) {
    const std::size_t count = items.size() - least;
    draw(items, count, engine);
    surplus.insert(surplus.end(), items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::ranges::sort(surplus);
  return surplus;
}

}  // namespace qkscope
