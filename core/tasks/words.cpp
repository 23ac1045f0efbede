#include "core/tasks/words.h"

#include <charconv>
#include <set>
#include <utility>

namespace qkscope {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (static_cast<unsigned char>(c) & 0x80) != 0;
}

constexpr std::string_view typographic_apostrophe = "\u2019";

bool is_typographic(std::string_view text, std::size_t at) {
  // General punctuation U+2000 to U+206F: dashes, quotation marks, dots; no part of a word.
  return text.size() - at >= 3 && text[at] == '\xe2' && (text[at + 1] == '\x80' || text[at + 1] == '\x81');
}

/// Whether a word goes on from `at` - 1 to `at`.
bool touches(std::string_view text, std::size_t before, std::size_t after) {
  const char a = text[before], b = text[after];
  if (!is_letter(a) && !is_digit(a)) return false;
  if (is_letter(b)) return !is_typographic(text, after);
  return is_digit(b);
}

bool begins_word(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  // The last byte of a punctuation mark of three is no letter.
  if (at >= 3 && is_typographic(text, at - 3)) return true;
  if (at >= 2 && is_digit(text[at]) && (text[at - 1] == '.' || text[at - 1] == ',') && is_digit(text[at - 2]))
    return false;
  return !touches(text, at - 1, at);
}

bool ends_word(std::string_view text, std::size_t end) {
  if (end >= text.size()) return true;
  if (end + 1 < text.size() && is_digit(text[end - 1]) && (text[end] == '.' || text[end] == ',') &&
      is_digit(text[end + 1]))
    return false;
  return !touches(text, end - 1, end);
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool contains_words(std::string_view text, std::string_view part) {
  if (part.empty()) return false;
  const std::string all = lower_case(text), wanted = lower_case(part);
  for (std::size_t at = all.find(wanted); at != all.npos; at = all.find(wanted, at + 1)) {
    if (begins_word(all, at) && ends_word(all, at + wanted.size())) return true;
  }
  return false;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  const std::string lower = lower_case(text);
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (std::string_view(lower).substr(i).starts_with(typographic_apostrophe)) {
      word += '\'';
      i += typographic_apostrophe.size() - 1;
    } else if (is_typographic(lower, i)) {
      end_word();
      i += 2;
    } else if (is_letter(lower[i]) || is_digit(lower[i]) || lower[i] == '\'') {
      word += lower[i];
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

namespace {

/// Words, and each mark of punctuation by itself.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) tokens.push_back(std::move(word));
    word.clear();
  };
  for (const char c : lower_case(text)) {
    if (is_letter(c) || is_digit(c) || c == '\'') {
      word += c;
      continue;
    }
    end_word();
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') tokens.push_back(std::string(1, c));
  }
  end_word();
  return tokens;
}

}  // namespace

double bigram_diversity(std::string_view text) {
  const std::vector<std::string> tokens = tokens_of(text);
  if (tokens.size() < 2) return 0;
  std::set<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) pairs.emplace(tokens[i], tokens[i + 1]);
  return static_cast<double>(pairs.size()) / static_cast<double>(tokens.size() - 1);
}

bool repeats_itself(std::string_view text) {
  const std::vector<std::string> tokens = tokens_of(text);
  for (std::size_t period = 1; period * 3 <= tokens.size(); ++period) {
    std::size_t same = 0;  // tokens at the end that are what stands a period before
    while (same + period < tokens.size() &&
           tokens[tokens.size() - 1 - same] == tokens[tokens.size() - 1 - same - period])
      ++same;
    // The last time may be cut off anywhere.
    if (same >= 2 * period && 2 * (same + period) >= tokens.size()) return true;
  }
  return false;
}

std::vector<double> numbers_in(std::string_view text, bool with_minus) {
  std::vector<double> numbers;
  const auto digit = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    if (!digit(i)) {
      ++i;
      continue;
    }
    const bool minus = with_minus && i > 0 && text[i - 1] == '-' &&
                       (i < 2 || !(is_digit(text[i - 2]) || is_letter(text[i - 2]) || text[i - 2] == ')'));
    std::string number(minus ? "-" : "");
    while (digit(i)) number += text[i++];
    while (i < text.size() && text[i] == ',' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      number += text.substr(i + 1, 3);
      i += 4;
    }
    if (i < text.size() && text[i] == '.' && digit(i + 1)) {
      number += text[i++];
      while (digit(i)) number += text[i++];
    }
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace qkscope
