#include "core/model/tokenizer/text_steps.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <limits>
#include <memory>
#include <utility>

#include "core/error.h"

namespace qkscope {

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
  return [normalizer](std::string text) {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 4)) {
      throw Error("a text of " + std::to_string(text.size()) +
                  " bytes is too long to normalize; expected at most 512 MB");
    }
    UErrorCode result = U_ZERO_ERROR;
    const icu::StringPiece source(text.data(), static_cast<std::int32_t>(text.size()));
    if (normalizer->isNormalizedUTF8(source, result) && U_SUCCESS(result)) return text;
    result = U_ZERO_ERROR;
    std::string normalized;
    icu::StringByteSink<std::string> sink(&normalized, static_cast<std::int32_t>(text.size()));
    normalizer->normalizeUTF8(0, source, sink, nullptr, result);
    if (U_FAILURE(result)) throw Error(std::string("Unicode normalization failed: ") + u_errorName(result));
    return normalized;
  };
}

Normalizer prepend(std::string prefix) {
  return [prefix = std::move(prefix)](std::string text) { return text.empty() ? text : prefix + text; };
}

Normalizer replace(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string text) {
    std::string out;
    std::size_t done = 0;
    for (std::size_t at = 0; (at = text.find(from, done)) != std::string::npos; done = at + from.size()) {
      out.append(text, done, at - done).append(to);
    }
    return out.append(text, done);
  };
}

Normalizer replace(Regex pattern, std::string to) {
  return [pattern = std::move(pattern), to = std::move(to)](std::string text) {
    std::string out;
    std::size_t done = 0;
    for (const Span& match : pattern.find_all(text)) {
      out.append(text, done, match.begin - done).append(to);
      done = match.end;
    }
    return out.append(text, done);
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
      return;
    case SplitBehavior::Isolated:
      for (const Cut& cut : cuts) out.push_back(cut.span);
      return;
    case SplitBehavior::Contiguous:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && cuts[i].is_match == cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      return;
    case SplitBehavior::MergedWithPrevious:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && cuts[i].is_match && !cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      return;
    case SplitBehavior::MergedWithNext:
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (i > 0 && !cuts[i].is_match && cuts[i - 1].is_match) {
          out.back().end = cuts[i].span.end;
        } else {
          out.push_back(cuts[i].span);
        }
      }
      return;
  }
}

void split_pieces(Pieces& pieces, const Regex& pattern, SplitBehavior behavior, bool invert) {
  std::vector<Span> out;
  std::vector<Cut> cuts;
  for (const Span& piece : pieces.spans) {
    const auto text = std::string_view(pieces.text).substr(piece.begin, piece.end - piece.begin);
    cuts.clear();
    std::size_t done = piece.begin;
    for (const Span& match : pattern.find_all(text)) {
      const Span at{piece.begin + match.begin, piece.begin + match.end};
      if (done < at.begin) cuts.push_back({{done, at.begin}, invert});
      cuts.push_back({at, !invert});
      done = at.end;
    }
    if (done < piece.end) cuts.push_back({{done, piece.end}, invert});
    add_cuts(cuts, behavior, out);
  }
  pieces.spans = std::move(out);
}

/// Rewrites every stretch with `change(stretch, begin)`, begin being where it lay.
template <typename Change>
void rewrite_pieces(Pieces& pieces, const Change& change) {
  std::string text;
  for (Span& piece : pieces.spans) {
    const std::size_t begin = text.size();
    text += change(pieces.text.substr(piece.begin, piece.end - piece.begin), piece.begin);
    piece = {begin, text.size()};
  }
  pieces.text = std::move(text);
}

}  // namespace

PreTokenizer split(Regex pattern, SplitBehavior behavior, bool invert) {
  return [pattern = std::move(pattern), behavior, invert](Pieces& pieces) {
    split_pieces(pieces, pattern, behavior, invert);
  };
}

PreTokenizer space_before() {
  return [](Pieces& pieces) {
    rewrite_pieces(
        pieces, [](std::string piece, std::size_t) { return piece.starts_with(' ') ? piece : " " + piece; });
  };
}

PreTokenizer metaspace(std::string replacement, std::string_view scheme, bool cut) {
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    throw Error("Metaspace's prepend_scheme is '" + std::string(scheme) +
                "'; expected always, first or never");
  }
  const bool always = scheme == "always";
  const bool first = scheme == "first";
  const Regex at_replacement(quoted_pattern(replacement));
  return [=, to_replacement = replace(" ", replacement)](Pieces& pieces) {
    rewrite_pieces(pieces, [&](std::string piece, std::size_t begin) {
      std::string text = to_replacement(std::move(piece));
      const bool wanted = always || (first && pieces.at_start && begin == 0);
      return wanted && !text.starts_with(replacement) ? replacement + text : text;
    });
    if (cut) split_pieces(pieces, at_replacement, SplitBehavior::MergedWithNext, false);
  };
}

std::string quoted_pattern(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\^$.[]|()?*+{}-# ").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string_view gpt2_pattern() {
  return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

}  // namespace qkscope
