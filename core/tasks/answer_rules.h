#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// What an answer is held against.
struct Gold {
  std::vector<std::string> answers;  // any of them is right
  std::string prompt;                // what was asked, as the task words it
  std::vector<std::string> choices;  // of those that were offered, in order; empty where there were none
};

/// A rule that says whether an answer is right. Those whose name ends in _as_published do what the published
/// code does (MingyuJ666/Rope_with_LLM), faults included; each stands beside its corrected one.
struct AnswerRule {
  std::string_view name;
  std::string_view about;  // one sentence
  bool (*right)(const std::string& answer, const Gold& gold);
};

const std::vector<AnswerRule>& answer_rules();
/// Throws Error listing the names.
const AnswerRule& answer_rule(std::string_view name);

/// What a text says to a question of yes or no.
enum class YesNo { Yes, No, Neither };
/// As a person would read it: the first word where it is yes, no, true or false; else the first of the words
/// yes, true, correct, right, no, false, incorrect, wrong that stands alone, turned around after a not.
YesNo yes_or_no(std::string_view text);
/// As published: any of yes, true, correct, right, ok in it, in lower case and also inside words, is a yes;
/// else any of no, false, incorrect, wrong a no.
YesNo yes_or_no_as_published(std::string_view text);

}  // namespace qkscope
