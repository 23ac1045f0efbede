#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace qkscope {

/// `text` with every malformed sequence replaced by U+FFFD, one for each maximal part of a character
/// (Unicode 15, section 3.9), as Rust's from_utf8_lossy and Python's errors="replace" do.
std::string valid_utf8(std::string_view text);

/// Bytes at the end of `text` that begin a character without completing it: 0 to 3.
std::size_t incomplete_tail(std::string_view text);

/// Length of the well-formed character at the front of `text`; 0 where there is none.
std::size_t character_length(std::string_view text);

}  // namespace qkscope
