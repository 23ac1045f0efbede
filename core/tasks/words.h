#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

// Of texts in any language; only the letters A to Z have a lower case here.

std::string lower_case(std::string_view text);

/// Whether `part` stands in `text` as whole words: what touches it is no letter, digit or part of another
/// script's character; a point or comma between two digits counts as a digit.
bool contains_words(std::string_view text, std::string_view part);

/// Runs of letters, digits, apostrophes and bytes beyond ASCII, in lower case; typographic apostrophes as
/// plain ones.
std::vector<std::string> words_of(std::string_view text);

/// How many of a text's pairs of neighbouring words (marks of punctuation are words, too) are different ones:
/// 1 where no pair comes twice, 0 where there is none, as published.
double bigram_diversity(std::string_view text);
/// Whether it ends by saying the same over and over: a run of words, of whatever length, that comes three
/// times in a row or more and is at least half of the text.
bool repeats_itself(std::string_view text);

/// The numbers of a text in order: digits in groups of three with commas or without, with a fraction or
/// without, as the published code's pattern \d+(?:,\d{3})*(?:\.\d+)? finds them. `with_minus`: negative where
/// a minus stands in front that takes away from nothing.
std::vector<double> numbers_in(std::string_view text, bool with_minus);

}  // namespace qkscope
