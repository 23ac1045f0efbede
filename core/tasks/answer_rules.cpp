#include "core/tasks/answer_rules.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "core/base/blanks.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/tasks/words.h"

namespace qkscope {

namespace {

bool is_one_of(const std::string& word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

bool has_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::any_of(list, [text](std::string_view part) { return text.find(part) != text.npos; });
}

bool any_answer(const Gold& gold, const auto& fits) {
  return std::ranges::any_of(gold.answers, fits);
}

bool contains(const std::string& answer, const Gold& gold) {
  return any_answer(gold, [&](const std::string& right) { return contains_words(answer, right); });
}

bool contains_as_published(const std::string& answer, const Gold& gold) {
  return any_answer(gold, [&](const std::string& right) { return answer.find(right) != answer.npos; });
}

bool equals(const std::string& answer, const Gold& gold) {
  const auto bare = [](std::string_view text) {
    text = without_blanks(text);
    if (text.ends_with('.')) text.remove_suffix(1);
    return lower_case(without_blanks(text));
  };
  return any_answer(gold, [&](const std::string& right) { return bare(answer) == bare(right); });
}

/// The first digits of the prompt, whatever they are, anywhere in the answer.
bool first_number_as_published(const std::string& answer, const Gold& gold) {
  const auto start = gold.prompt.find_first_of("0123456789");
  if (start == gold.prompt.npos) return false;
  const auto end = gold.prompt.find_first_not_of("0123456789", start);
  return answer.find(gold.prompt.substr(start, end - start)) != answer.npos;
}

bool yes_no_right(YesNo said, const Gold& gold) {
  return said != YesNo::Neither &&
         any_answer(gold, [said](const std::string& right) { return yes_or_no(right) == said; });
}

bool yes_no(const std::string& answer, const Gold& gold) {
  return yes_no_right(yes_or_no(answer), gold);
}

bool yes_no_as_published(const std::string& answer, const Gold& gold) {
  return yes_no_right(yes_or_no_as_published(answer), gold);
}

bool same(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b));
}

/// The number that `text` ends in by its own words: the first after its last "answer is" or "####", else the
/// last one.
std::vector<double> final_number(const std::string& text) {
  std::size_t said = std::string::npos;
  const std::string lower = lower_case(text);
  for (const std::string_view mark : {"####", "answer is", "answer:"}) {
    const auto at = lower.rfind(mark);
    if (at != lower.npos && (said == lower.npos || at > said)) said = at;
  }
  if (said != lower.npos) {
    const std::vector<double> after = numbers_in(std::string_view(text).substr(said), true);
    if (!after.empty()) return {after.front()};
  }
  const std::vector<double> all = numbers_in(text, true);
  return all.empty() ? all : std::vector<double>{all.back()};
}

bool number(const std::string& answer, const Gold& gold) {
  const std::vector<double> said = final_number(answer);
  return !said.empty() && any_answer(gold, [&](const std::string& right) {
    const std::vector<double> wanted = final_number(right);
    return !wanted.empty() && same(said.front(), wanted.front());
  });
}

bool number_as_published(const std::string& answer, const Gold& gold) {
  const std::vector<double> said = numbers_in(answer, false);
  return !said.empty() && any_answer(gold, [&](const std::string& right) {
    const std::vector<double> wanted = numbers_in(right, false);
    return !wanted.empty() && said.back() == wanted.back();
  });
}

/// "A)five" -> 'A' and "five"; 0 where a choice begins with no letter of its own.
char letter_of(std::string_view choice) {
  const bool lettered = choice.size() > 1 && choice[0] >= 'A' && choice[0] <= 'Z' &&
                        (choice[1] == ')' || choice[1] == '.' || choice[1] == ':');
  return lettered ? choice[0] : '\0';
}

std::string_view text_of(std::string_view choice) {
  return letter_of(choice) == '\0' ? choice : without_blanks(choice.substr(2));
}

/// The letter that `answer` gives: after its last "answer is", "answer:" or "option", in brackets or before
/// one, else at its start; 0 where there is none.
char chosen_letter(const std::string& answer, const Gold& gold) {
  const auto is_offered = [&](char c) {
    return c != '\0' &&
           std::ranges::any_of(gold.choices, [c](const auto& choice) { return letter_of(choice) == c; });
  };
  const auto alone = [&](std::size_t at) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\''; };
    return is_offered(answer[at]) && (at == 0 || !letter(answer[at - 1])) &&
           (at + 1 >= answer.size() || !letter(answer[at + 1]));
  };
  const std::string lower = lower_case(answer);
  std::size_t best = std::string::npos;
  for (const std::string_view mark : {"answer is", "answer:", "option", "option is", "choice", "choice is"}) {
    const auto at = lower.rfind(mark);
    if (at == lower.npos || (best != lower.npos && at + mark.size() < best)) continue;
    const auto next = answer.find_first_not_of(" :*(\n", at + mark.size());
    if (next != answer.npos && alone(next)) best = next;
  }
  if (best != std::string::npos) return answer[best];
  char found = '\0';
  for (std::size_t at = 0; at < answer.size(); ++at) {
    const bool closed = at + 1 < answer.size() && answer[at + 1] == ')';
    if (!alone(at) || !(closed || (at == 0 && answer.find_first_of(" .:\n") <= 1) || answer.size() == 1))
      continue;
    if (found != '\0' && found != answer[at]) return '\0';  // it lists them
    found = answer[at];
  }
  return found;
}

bool option(const std::string& answer, const Gold& gold) {
  const char chosen = chosen_letter(answer, gold);
  if (chosen != '\0')
    return any_answer(gold, [chosen](const std::string& right) { return right == std::string(1, chosen); });
  // No letter: the one option whose text it holds.
  std::vector<char> held;
  for (const std::string& choice : gold.choices) {
    if (contains_words(answer, text_of(choice))) held.push_back(letter_of(choice));
  }
  return held.size() == 1 &&
         any_answer(gold, [&](const std::string& right) { return right == std::string(1, held.front()); });
}

bool option_as_published(const std::string& answer, const Gold& gold) {
  return any_answer(gold, [&](const std::string& right) {
    return std::ranges::any_of(gold.choices, [&](const std::string& choice) {
      return right == std::string(1, letter_of(choice)) && answer.find(text_of(choice)) != answer.npos;
    });
  });
}

bool label(const std::string& answer, const Gold& gold) {
  const auto others = [&](const std::string& right) {
    return std::ranges::any_of(gold.choices, [&](const std::string& choice) {
      return lower_case(choice) != lower_case(right) && contains_words(answer, choice);
    });
  };
  return any_answer(
      gold, [&](const std::string& right) { return contains_words(answer, right) && !others(right); });
}

bool label_as_published(const std::string& answer, const Gold& gold) {
  const std::string said = lower_case(answer);
  if (said.find("negative") != said.npos && said.find("positive") != said.npos) return false;
  return any_answer(gold,
                    [&](const std::string& right) { return said.find(lower_case(right)) != said.npos; });
}

}  // namespace

YesNo yes_or_no(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool yes = is_one_of(words[i], {"yes", "true", "correct", "right"});
    const bool no = is_one_of(words[i], {"no", "false", "incorrect", "wrong"});
    if (!yes && !no) continue;
    if (i == 0) return yes ? YesNo::Yes : YesNo::No;
    const auto from = words.begin() + static_cast<std::ptrdiff_t>(i < 3 ? 0 : i - 3);
    const bool negated = std::any_of(
        from, words.begin() + static_cast<std::ptrdiff_t>(i),
        [](const auto& word) { return word == "not" || word == "never" || word.ends_with("n't"); });
    return yes != negated ? YesNo::Yes : YesNo::No;
  }
  return YesNo::Neither;
}

YesNo yes_or_no_as_published(std::string_view text) {
  const std::string lower = lower_case(text);
  if (has_one_of(lower, {"yes", "true", "correct", "right", "ok"})) return YesNo::Yes;
  return has_one_of(lower, {"no", "false", "incorrect", "wrong"}) ? YesNo::No : YesNo::Neither;
}

const std::vector<AnswerRule>& answer_rules() {
  static const std::vector<AnswerRule> list = {
      {"contains", "One of the answers stands in it as whole words, in any case.", contains},
      {"contains_as_published", "One of the answers stands in it, letter by letter, also inside words.",
       contains_as_published},
      {"equals", "It is one of the answers and no more, in any case, with or without a point.", equals},
      {"first_number_as_published", "The first digits of the prompt stand in it, also inside others.",
       first_number_as_published},
      {"yes_no",
       "Its first word, or the first that stands alone, of yes, true, correct, right, no, false, incorrect, "
       "wrong says the same; a not before it turns it around.",
       yes_no},
      {"yes_no_as_published",
       "Yes where yes, true, correct, right or ok stands anywhere in it, also inside words; else no where "
       "no, "
       "false, incorrect or wrong does.",
       yes_no_as_published},
      {"number",
       "The number after its last \"answer is\" or ####, else its last number, is that of the answer.",
       number},
      {"number_as_published", "Its last number is the answer's last number.", number_as_published},
      {"option", "The letter that it chooses, or the only option whose text it holds, is the right one.",
       option},
      {"option_as_published", "The text of the right option stands in it, whatever else does.",
       option_as_published},
      {"label", "The right one of the choices stands in it as a word, and no other.", label},
      {"label_as_published",
       "The right label stands in it, also inside words, and not both of negative and positive.",
       label_as_published}};
  return list;
}

const AnswerRule& answer_rule(std::string_view name) {
  const auto found = std::ranges::find(answer_rules(), name, &AnswerRule::name);
  if (found != answer_rules().end()) return *found;
  std::string known;
  for (const AnswerRule& rule : answer_rules()) known += (known.empty() ? "" : ", ") + std::string(rule.name);
  throw Error("There is no scoring rule " + in_quotes(name) + ", expected one of " + known);
}

}  // namespace qkscope
