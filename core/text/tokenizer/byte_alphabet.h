#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace qkscope {

/// GPT-2 writes the bytes of its tokens as printable characters: those of printable Latin-1 as they are, the
/// other 68 as U+0100, U+0101, ... in order of the byte (openai/gpt-2, encoder.py, bytes_to_unicode). The
/// bytes that `token` stands for; nothing where it holds a character outside this alphabet.
std::optional<std::string> bytes_from_alphabet(std::string_view token);
/// The other way.
std::string alphabet_from_bytes(std::string_view bytes);

}  // namespace qkscope
