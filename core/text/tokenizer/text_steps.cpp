#include "core/text/tokenizer/text_steps.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "core/base/error.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope {

namespace {

/// So many marks in a row ICU may sort, which it does one by one.
constexpr std::size_t few_marks = 64;

bool begins_with_mark(UChar32 code) {
  return code >= 0x300 && u_getIntPropertyValue(code, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) != 0;
}

/// Adds a run of marks in canonical order (Unicode 15, D109), decomposed.
void add_sorted(std::string_view marks, std::string& out, Budget& budget) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* decomposed = icu::Normalizer2::getNFDInstance(status);
  if (U_FAILURE(status)) throw Error(std::string("Unicode normalization failed: ") + u_errorName(status));
  std::vector<UChar32> codes;
  const Charge held(budget, 8 * marks.size());
  budget.step(1 + marks.size());
  each_character(marks, [&](UChar32 code, std::size_t, std::size_t) {
    icu::UnicodeString parts;
    if (!decomposed->getDecomposition(code, parts)) parts = icu::UnicodeString(code);
    for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1))
      codes.push_back(parts.char32At(i));
  });
  std::ranges::stable_sort(codes, {}, u_getCombiningClass);
  for (const UChar32 code : codes) append_character(out, code);
}

/// An equivalent text in which ICU has nothing left to sort where many marks stand in a row: it would take
/// the square of their number.
std::string with_marks_sorted(std::string text, Budget& budget) {
  std::string out;
  std::size_t done = 0, run = 0, count = 0;  // begin and length of the marks in a row
  const auto end_of_run = [&](std::size_t end) {
    if (count > few_marks) {
      out.append(text, done, run - done);
      add_sorted(std::string_view(text).substr(run, end - run), out, budget);
      done = end;
    }
    count = 0;
  };
  each_character(text, [&](UChar32 code, std::size_t begin, std::size_t) {
    if (!begins_with_mark(code)) {
      if (count > 0) end_of_run(begin);
    } else if (count++ == 0) {
      run = begin;
    }
  });
  end_of_run(text.size());
  if (done == 0) return text;
  out.append(text, done);
  budget.charge(out.size());
  budget.refund(text.size());
  return out;
}

}  // namespace

Normalizer unicode_form(std::string_view form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = nullptr;  // ICU's own, never freed
  if (form == "NFC") normalizer = icu::Normalizer2::getNFCInstance(status);
  if (form == "NFD") normalizer = icu::Normalizer2::getNFDInstance(status);
  if (form == "NFKC") normalizer = icu::Normalizer2::getNFKCInstance(status);
  if (form == "NFKD") normalizer = icu::Normalizer2::getNFKDInstance(status);
  if (!normalizer || U_FAILURE(status)) {
    throw Error("Unicode normalization '" + std::string(form) +
                "' is not known; expected NFC, NFD, NFKC or NFKD");
  }
  return [normalizer](std::string text, Budget& budget) {
    budget.step(1 + text.size() / 16);
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 4)) {
      throw Error("a text of " + std::to_string(text.size()) +
                  " bytes is too long to normalize; expected at most 512 MB");
    }
    text = with_marks_sorted(std::move(text), budget);
    UErrorCode result = U_ZERO_ERROR;
    const icu::StringPiece source(text.data(), static_cast<std::int32_t>(text.size()));
    if (normalizer->isNormalizedUTF8(source, result) && U_SUCCESS(result)) return text;
    result = U_ZERO_ERROR;
    // No form makes more than 18 bytes of one (U+FDFA under NFKC: 33 of 3).
    const Charge reserved(budget, 12 * text.size());
    std::string normalized;
    icu::StringByteSink<std::string> sink(&normalized, static_cast<std::int32_t>(text.size()));
    normalizer->normalizeUTF8(0, source, sink, nullptr, result);
    if (U_FAILURE(result)) throw Error(std::string("Unicode normalization failed: ") + u_errorName(result));
    budget.charge(normalized.size());
    budget.refund(text.size());
    return normalized;
  };
}

Normalizer prepend(std::string prefix) {
  return [prefix = std::move(prefix)](std::string text, Budget& budget) {
    if (text.empty()) return text;
    budget.charge(prefix.size());
    return prefix + text;
  };
}

Normalizer replace(Pattern pattern, std::string to) {
  return [pattern = std::move(pattern), to = std::move(to)](std::string text, Budget& budget) {
    const std::vector<Span> matches = pattern.find_all(text, budget);
    const Charge held(budget, matches.capacity() * sizeof(Span));
    std::string out;
    std::size_t done = 0;
    for (const Span& match : matches) {
      budget.charge(match.begin - done + to.size());
      out.append(text, done, match.begin - done).append(to);
      done = match.end;
    }
    budget.charge(text.size() - done);
    out.append(text, done);
    budget.refund(text.size());
    return out;
  };
}

namespace {

struct Cut {
  Span span;
  bool is_match = false;
};

/// Adds what becomes of one stretch, cut into matches and what lies between them.
void add_cuts(const std::vector<Cut>& cuts, SplitBehavior behavior, std::vector<Span>& out) {
  switch (behavior) {
    case SplitBehavior::Removed:
      for (const Cut& cut : cuts) {
        if (!cut.is_match) out.push_back(cut.span);
      }
      break;
    case SplitBehavior::Isolated:
      for (const Cut& cut : cuts) out.push_back(cut.span);
      break;
    case SplitBehavior::Contiguous:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && cuts[i].is_match == cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      break;
    case SplitBehavior::MergedWithPrevious:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && cuts[i].is_match && !cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      break;
    case SplitBehavior::MergedWithNext:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && !cuts[i].is_match && cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      break;
  }
}

void split_pieces(Pieces& pieces, const Finder& find, SplitBehavior behavior, bool invert, Budget& budget) {
  std::vector<Span> out;
  std::vector<Cut> cuts;
  for (const Span& piece : pieces.spans) {
    const auto text = std::string_view(pieces.text).substr(piece.begin, piece.end - piece.begin);
    const std::vector<Span> matches = find(text, budget);
    const Charge held(budget, matches.size() * (sizeof(Span) + 2 * sizeof(Cut)));
    cuts.clear();
    std::size_t done = piece.begin;
    for (const Span& match : matches) {
      const Span at{piece.begin + match.begin, piece.begin + match.end};
      if (done < at.begin) cuts.push_back({{done, at.begin}, invert});
      cuts.push_back({at, !invert});
      done = at.end;
    }
    if (done < piece.end) cuts.push_back({{done, piece.end}, invert});
    const std::size_t before = out.size();
    add_cuts(cuts, behavior, out);
    // Matches of no width leave cuts of no width.
    const auto empty = std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
                                      [](const Span& span) { return span.begin == span.end; });
    out.erase(empty, out.end());
    budget.charge((out.size() - before) * sizeof(Span));
  }
  budget.refund(pieces.spans.size() * sizeof(Span));
  pieces.spans = std::move(out);
}

Finder finder(Pattern pattern) {
  return [pattern = std::move(pattern)](std::string_view text, Budget& budget) {
    return pattern.find_all(text, budget);
  };
}

/// Rewrites every stretch with `change(stretch, begin)`, begin being where it lay.
template <typename Change>
void rewrite_pieces(Pieces& pieces, Budget& budget, const Change& change) {
  std::string text;
  for (Span& piece : pieces.spans) {
    const std::size_t begin = text.size();
    std::string changed = change(pieces.text.substr(piece.begin, piece.end - piece.begin), piece.begin);
    budget.charge(changed.size());
    budget.step(1 + changed.size() / 64);
    text += changed;
    piece = {begin, text.size()};
  }
  budget.refund(pieces.text.size());
  pieces.text = std::move(text);
}

}  // namespace

PreTokenizer split(Finder find, SplitBehavior behavior, bool invert) {
  return [find = std::move(find), behavior, invert](Pieces& pieces, Budget& budget) {
    split_pieces(pieces, find, behavior, invert, budget);
  };
}

PreTokenizer split(Pattern pattern, SplitBehavior behavior, bool invert) {
  return split(finder(std::move(pattern)), behavior, invert);
}

PreTokenizer rewritten(Normalizer change) {
  return [change = std::move(change)](Pieces& pieces, Budget& budget) {
    rewrite_pieces(pieces, budget, [&](std::string piece, std::size_t) {
      budget.charge(piece.size());
      std::string text = change(std::move(piece), budget);
      budget.refund(text.size());  // charged again where it goes
      return text;
    });
  };
}

PreTokenizer space_before() {
  return rewritten([](std::string piece, Budget& budget) {
    budget.charge(1);
    return (piece.starts_with(' ') ? "" : " ") + piece;
  });
}

PreTokenizer metaspace(const std::string& replacement, std::string_view scheme, bool cut) {
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    throw Error("Metaspace's prepend_scheme is '" + std::string(scheme) +
                "'; expected always, first or never");
  }
  const bool always = scheme == "always";
  const bool first = scheme == "first";
  return [=, at_replacement = finder(Pattern::literal(replacement)),
          to_replacement = replace(Pattern::literal(" "), replacement)](Pieces& pieces, Budget& budget) {
    rewrite_pieces(pieces, budget, [&](std::string piece, std::size_t begin) {
      budget.charge(piece.size());
      std::string text = to_replacement(std::move(piece), budget);
      budget.refund(text.size());  // charged again where it goes
      const bool wanted = always || (first && pieces.at_start && begin == 0);
      return wanted && !text.starts_with(replacement) ? replacement + text : text;
    });
    if (cut) split_pieces(pieces, at_replacement, SplitBehavior::MergedWithNext, false, budget);
  };
}

std::string_view gpt2_pattern() {
  return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

}  // namespace qkscope
