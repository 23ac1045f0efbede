#include "core/text/tokenizer/characters.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

namespace qkscope {
namespace {

/// Whether a version of Unicode has the character: the tables in Hugging Face's tokenizers are older than
/// ICU's, which is told where they are used.
bool is_of_version(UChar32 code, int version) {
  UVersionInfo age;
  u_charAge(code, age);
  return age[0] > 0 && age[0] <= version;
}

bool has_category(UChar32 code, std::uint32_t mask) {
  return (U_GET_GC_MASK(code) & mask) != 0;
}

}  // namespace

UChar32 first_character(std::string_view text) {
  const std::string_view head = text.substr(0, U8_MAX_LENGTH);  // ICU's macros count in 32 bits
  std::int32_t end = 0;
  UChar32 code = 0;
  U8_NEXT(head.data(), end, static_cast<std::int32_t>(head.size()), code);
  return code;
}

UChar32 last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && U8_IS_TRAIL(text[begin])) --begin;
  return first_character(text.substr(begin));
}

void append_character(std::string& text, UChar32 code) {
  char bytes[U8_MAX_LENGTH];
  std::int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code);
  text.append(bytes, static_cast<std::size_t>(length));
}

bool is_word(UChar32 code) {
  return u_hasBinaryProperty(code, UCHAR_ALPHABETIC) || u_isdigit(code) ||
         u_hasBinaryProperty(code, UCHAR_JOIN_CONTROL) || has_category(code, U_GC_M_MASK | U_GC_PC_MASK);
}

bool is_space(UChar32 code) {
  return u_isUWhiteSpace(code);
}

// The crate unicode_categories knows Unicode 8, in which a few characters were of another category.
bool is_punctuation(UChar32 code) {
  if (code < 0x80) return code > ' ' && code < 0x7F && !u_isalnum(code);
  return (has_category(code, U_GC_P_MASK) && is_of_version(code, 8)) || code == 0x166D || code == 0x111C9;
}

bool is_control(UChar32 code) {
  if (code == 0xFFFD) return true;
  if (code == '\t' || code == '\n' || code == '\r') return false;
  return has_category(code, U_GC_CC_MASK | U_GC_CO_MASK) ||
         (has_category(code, U_GC_CF_MASK) && is_of_version(code, 8));
}

bool is_nonspacing_mark(UChar32 code) {
  const bool since = code == 0x1885 || code == 0x1886 || code == 0xA9BD || code == 0x111C9;
  return (has_category(code, U_GC_MN_MASK) && is_of_version(code, 8) && !since) || code == 0x1734;
}

// The crate unicode-normalization-alignments knows Unicode 9.
bool is_mark(UChar32 code) {
  return (has_category(code, U_GC_M_MASK) && is_of_version(code, 9) && code != 0x111C9) || code == 0x1CF2 ||
         code == 0x1CF3;
}

bool is_ideograph(UChar32 code) {
  constexpr UChar32 blocks[][2] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                   {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                   {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  for (const auto& [first, last] : blocks) {
    if (code >= first && code <= last) return true;
  }
  return false;
}

// pre_tokenizers/unicode_scripts: a table of Unicode 9, with exceptions of its own.
int script_of(UChar32 code) {
  if (code == ' ' || !is_of_version(code, 9)) return -1;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(code, &status);
  if (U_FAILURE(status) || script == USCRIPT_UNKNOWN) return -1;
  if (code == 0x589 || code == 0x61C) return USCRIPT_COMMON;  // in that version
  const bool japanese = script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || code == 0x30FC;
  return japanese ? USCRIPT_HAN : script;
}

}  // namespace qkscope
