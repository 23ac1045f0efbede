#include "core/text/tokenizer/character_steps.h"

#include <unicode/uchar.h>

#include <utility>

#include "core/text/tokenizer/byte_alphabet.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope {
namespace {

/// A text rewritten character by character: `change(code, out)` appends what becomes of one.
template <typename Change>
Normalizer each(Change change) {
  return [change = std::move(change)](std::string text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::string out;
    out.reserve(text.size());
    each_character(text, [&](UChar32 code, std::size_t, std::size_t) { change(code, out); });
    budget.charge(out.size());
    budget.refund(text.size());
    return out;
  };
}

/// A text without the characters of a kind.
Normalizer without(bool (*is_of_kind)(UChar32)) {
  return each([is_of_kind](UChar32 code, std::string& out) {
    if (!is_of_kind(code)) append_character(out, code);
  });
}

/// Spans of equal `key(code)` that touch each other.
template <typename Key>
Finder runs(Key key) {
  return [key](std::string_view text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::vector<Span> spans;
    int before = 0;
    each_character(text, [&](UChar32 code, std::size_t begin, std::size_t end) {
      const int now = key(code);
      if (spans.empty() || now != before) spans.push_back({begin, end});
      spans.back().end = end;
      before = now;
    });
    return spans;
  };
}

bool is_nmt_control(UChar32 code) {
  return (code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
         code == 0x8F || code == 0x9F;
}

bool is_nmt_space(UChar32 code) {
  return code == 9 || code == 0xA || code == 0xC || code == 0xD || code == 0x1680 ||
         (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 ||
         code == 0xFEFF || code == 0xFFFD;
}

}  // namespace

Normalizer lowercase() {
  return each([](UChar32 code, std::string& out) {
    if (code == 0x130) {  // the one character that becomes two
      out += "i\xCC\x87";
    } else {
      append_character(out, u_tolower(code));
    }
  });
}

Normalizer strip(bool left, bool right) {
  return [left, right](std::string text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::string_view rest = text;
    while (left && !rest.empty() && is_space(first_character(rest)))
      rest.remove_prefix(static_cast<std::size_t>(U8_LENGTH(first_character(rest))));
    while (right && !rest.empty() && is_space(last_character(rest)))
      rest.remove_suffix(static_cast<std::size_t>(U8_LENGTH(last_character(rest))));
    budget.refund(text.size() - rest.size());
    return std::string(rest);
  };
}

Normalizer strip_accents() {
  return without(is_mark);
}

Normalizer nmt() {
  return each([](UChar32 code, std::string& out) {
    if (!is_nmt_control(code)) append_character(out, is_nmt_space(code) ? ' ' : code);
  });
}

Normalizer bert_cleaning(bool clean, bool ideographs, bool accents_off, bool small) {
  std::vector<Normalizer> steps;
  if (clean) {
    steps.push_back(each([](UChar32 code, std::string& out) {
      if (!is_control(code)) append_character(out, is_space(code) ? ' ' : code);
    }));
  }
  if (ideographs) {
    steps.push_back(each([](UChar32 code, std::string& out) {
      const bool apart = is_ideograph(code);
      if (apart) out += ' ';
      append_character(out, code);
      if (apart) out += ' ';
    }));
  }
  if (accents_off) {
    steps.push_back(unicode_form("NFD"));
    steps.push_back(without(is_nonspacing_mark));
  }
  if (small) steps.push_back(lowercase());
  return [steps = std::move(steps)](std::string text, Budget& budget) {
    for (const Normalizer& step : steps) text = step(std::move(text), budget);
    return text;
  };
}

Normalizer to_byte_alphabet() {
  return [](std::string text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::string out = alphabet_from_bytes(text);
    budget.charge(out.size());
    budget.refund(text.size());
    return out;
  };
}

namespace {

template <typename Test>
Finder characters_that(Test is_wanted) {
  return [is_wanted](std::string_view text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::vector<Span> spans;
    each_character(text, [&](UChar32 code, std::size_t begin, std::size_t end) {
      if (is_wanted(code)) spans.push_back({begin, end});
    });
    return spans;
  };
}

}  // namespace

PreTokenizer split_at(bool (*is_of_kind)(UChar32), SplitBehavior behavior) {
  return split(characters_that(is_of_kind), behavior);
}

PreTokenizer split_at(UChar32 code, SplitBehavior behavior) {
  return split(characters_that([code](UChar32 other) { return other == code; }), behavior);
}

PreTokenizer words_and_signs() {
  const Finder all = runs([](UChar32 code) { return is_space(code) ? 0 : is_word(code) ? 1 : 2; });
  return split(
      [all](std::string_view text, Budget& budget) {
        std::vector<Span> spans = all(text, budget);
        std::erase_if(spans,
                      [&](const Span& span) { return is_space(first_character(text.substr(span.begin))); });
        return spans;
      },
      SplitBehavior::Removed, true);
}

/// What stands before the first character that has a script is dropped, as there.
PreTokenizer split_scripts() {
  return split(
      [](std::string_view text, Budget& budget) {
        budget.step(1 + text.size() / 16);
        std::vector<Span> spans;
        int last = -1;
        each_character(text, [&](UChar32 code, std::size_t begin, std::size_t end) {
          const int script = script_of(code);
          if (script != -1 && script != last) {
            spans.push_back({begin, end});
            last = script;
          }
          if (!spans.empty()) spans.back().end = end;
        });
        return spans;
      },
      SplitBehavior::Removed, true);
}

PreTokenizer split_every(std::size_t count) {
  return split([count](std::string_view text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    std::vector<Span> spans;
    std::size_t seen = 0;
    each_character(text, [&](UChar32, std::size_t begin, std::size_t end) {
      if (seen++ % count == 0) spans.push_back({begin, end});
      spans.back().end = end;
    });
    return spans;
  });
}

}  // namespace qkscope
