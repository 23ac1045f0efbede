#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tasks/qa_set.h"

namespace qkscope {

/// Questions that ask the same.
struct QaDuplicates {
  std::vector<std::size_t> items;  // indices into the set, ascending, two at least
  bool same = true;                // word for word; else the same words in another order
  bool agree = true;               // all have the same answers, whatever their order and case
  bool operator==(const QaDuplicates&) const = default;
};

/// The words of a text without case, blanks, punctuation and the ways that Unicode has of writing one
/// character (NFKC with case folding).
std::vector<std::string> folded_words(std::string_view text);

/// Those of `among`, indices into the set, by their first. Questions that are the same word for word are one
/// group; those of the same words in another order are another, in which each wording stands once.
std::vector<QaDuplicates> find_duplicates(const QaSet& set, std::span<const std::size_t> among);
/// All but the first of each group that is the same word for word and agrees: what may go without a look.
std::vector<std::size_t> repeated(std::span<const QaDuplicates> groups);

/// What is to come equally often.
enum class QaBalance { Answer, Category, Both };
std::string_view qa_balance_name(QaBalance by);  // "answer", "category", "both"

/// Indices by answer, category, or category and answer ("art, Yes").
std::map<std::string, std::vector<std::size_t>> qa_groups(const QaSet& set,
                                                          std::span<const std::size_t> among, QaBalance by);
/// Those that have to go, drawn with `seed`, so that each group is left with as many as the smallest has;
/// ascending. The same set, choice and seed always give the same ones.
std::vector<std::size_t> qa_surplus(const QaSet& set, std::span<const std::size_t> among, QaBalance by,
                                    std::uint64_t seed);

}  // namespace qkscope
